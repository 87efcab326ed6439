// The order of writes beside the real meshes (their manifests, read by the rules of the mesh, in place of the model's), without a
// mesh, and with the pods of a DaemonSet.
import {describe, expect, test} from 'vitest'
import {type PlaceName, places, play, type StoryName, someOf, stories} from './stories.ts'

/** One prefix of the writes in so many; `npm run test:order` plays more of them. */
const stride = 83

const others = (Object.keys(places) as PlaceName[]).filter(place => place !== 'model')

describe.each(others)('%s', place => {
  describe.each([...places[place].strategies])('%s', strategy => {
    test.each(Object.keys(stories) as StoryName[])('%s: each request finds a pod that is there for it', story => {
      const undisturbed = play(place, strategy, story)
      expect(undisturbed).toMatchObject({ended: true, unserved: []})
      for (const prefix of someOf(undisturbed.writes, stride, strategy, story)) {
        expect({prefix, ...play(place, strategy, story, prefix)}).toMatchObject({ended: true, unserved: []})
      }
    })
  })
})
