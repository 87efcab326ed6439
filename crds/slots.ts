import {z} from 'zod'

/** `a` or `b`: one of the two slots that every Rollout owns. */
export const slotName = z.enum(['a', 'b'])
export type SlotName = z.infer<typeof slotName>
