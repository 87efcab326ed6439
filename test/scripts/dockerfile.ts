// Reads a Dockerfile's instructions.

export interface Instruction {
  keyword: string
  text: string
}

/** The instructions in order, continued lines joined and comments left out. */
export function instructionsOf(dockerfile: string): Instruction[] {
  return dockerfile
    .replaceAll(/^#.*\n/gm, '')
    .replaceAll(/\\\n\s*/g, '')
    .split('\n')
    .filter(line => line.trim() !== '')
    .map(line => {
      const [keyword = '', ...rest] = line.trim().split(' ')
      return {keyword, text: rest.join(' ')}
    })
}
