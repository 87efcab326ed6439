// The order of writes with a controller that dies before every single one of them: every story and strategy beside one mesh.
import {describe, expect, test} from 'vitest'
import {play, type StoryName, type StrategyName, stories, strategies} from '../../simulation/stories.ts'

export function killsBeforeEveryWrite(mesh: Parameters<typeof play>[0]): void {
  // The Gateway API has neither safeguards nor faults.
  const played = (Object.keys(strategies) as StrategyName[]).filter(
    name => mesh !== 'gatewayAPI' || !('agreed' in strategies[name]),
  )
  describe.each(played)(`${mesh}: %s`, strategy => {
    test.each(Object.keys(stories) as StoryName[])(
      '%s: after every prefix of the writes each request finds a pod',
      story => {
        const {writes} = play(mesh, strategy, story)
        for (let prefix = 1; prefix <= writes; prefix++) {
          expect({prefix, ...play(mesh, strategy, story, prefix)}).toMatchObject({ended: true, unserved: []})
        }
      },
    )
  })
}
