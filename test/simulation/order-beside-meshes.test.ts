// The order of writes beside the real meshes: their manifests, read by the rules of the mesh, in place of the model's.
import {describe, expect, test} from 'vitest'
import {play, type StoryName, type StrategyName, someOf, stories, strategies} from './stories.ts'

/** One prefix of the writes in so many; `npm run test:order` plays all. */
const stride = 83

/** The Gateway API has neither safeguards nor faults. */
const bare = (Object.keys(strategies) as StrategyName[]).filter(name => !('agreed' in strategies[name]))
const played = {istio: Object.keys(strategies) as StrategyName[], gatewayAPI: bare}

describe.each(['istio', 'gatewayAPI'] as const)('%s', mesh => {
  describe.each(played[mesh])('%s', strategy => {
    test.each(Object.keys(stories) as StoryName[])('%s: each request finds a pod that is there for it', story => {
      const undisturbed = play(mesh, strategy, story)
      expect(undisturbed).toMatchObject({ended: true, unserved: []})
      for (const prefix of someOf(undisturbed.writes, stride, strategy, story)) {
        expect({prefix, ...play(mesh, strategy, story, prefix)}).toMatchObject({ended: true, unserved: []})
      }
    })
  })
})
