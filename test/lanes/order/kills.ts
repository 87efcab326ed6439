// The order of writes with a controller that dies before every single one of them: every story and strategy of one place.
import {describe, expect, test} from 'vitest'
import {type PlaceName, places, play, type StoryName, stories} from '../../simulation/stories.ts'

export function killsBeforeEveryWrite(place: PlaceName): void {
  describe.each([...places[place].strategies])(`${place}: %s`, strategy => {
    test.each(Object.keys(stories) as StoryName[])(
      '%s: after every prefix of the writes each request finds a pod',
      story => {
        const {writes} = play(place, strategy, story)
        for (let prefix = 1; prefix <= writes; prefix++) {
          expect({prefix, ...play(place, strategy, story, prefix)}).toMatchObject({ended: true, unserved: []})
        }
      },
    )
  })
}
