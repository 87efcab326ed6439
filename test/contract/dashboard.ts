// What a Grafana dashboard asks Prometheus, as Grafana would ask it.

interface Dashboard {
  panels: {title: string; targets?: {expr: string}[]}[]
  templating: {list: {name: string; type: string; query?: unknown}[]}
}

/** Variables that Grafana itself knows. */
const builtIn: Readonly<Record<string, string>> = {__range: '1h'}

/** Puts the values in where a text names variables. @throws Error for a variable that has none */
function substituted(text: string, values: Readonly<Record<string, string>>): string {
  return text.replaceAll(/\$(\w+)/g, (_, name: string) => {
    const value = values[name] ?? builtIn[name]
    if (value === undefined) throw new Error(`${text}: there is no variable ${name}`)
    return value
  })
}

/** The queries of a dashboard's panels. @param values of its variables; several as Grafana writes them, `a|b` */
export function dashboardQueries(dashboard: string, values: Readonly<Record<string, string>>): string[] {
  const {panels} = JSON.parse(dashboard) as Dashboard
  return panels.flatMap(({targets = []}) => targets.map(({expr}) => substituted(expr, values)))
}

/** A dashboard's variables that are labels, by their names: the series and the label. */
export function dashboardVariables(dashboard: string): Record<string, {series: string; label: string}> {
  const {templating} = JSON.parse(dashboard) as Dashboard
  return Object.fromEntries(
    templating.list
      .filter(({type}) => type === 'query')
      .map(({name, query}) => {
        const [, series = '', label = ''] = /^label_values\((.+), (\w+)\)$/.exec(String(query)) ?? []
        return [name, {series, label}]
      }),
  )
}
