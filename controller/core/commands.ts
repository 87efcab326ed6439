// One-shot commands: annotations that name the revision they are meant for, so that a stale one can't hit another
// release. Each value is carried out once and then recorded in the status, where Git can't undo it.
import {annotations} from '../../crds/names.ts'
import type {Ledger} from './state.ts'
import type {World} from './world.ts'

const commands = {
  retry: annotations.retry,
  abort: annotations.abort,
  promote: annotations.promote,
  'skip-step': annotations.skipStep,
  'end-bake': annotations.endBake,
} as const
export type Command = keyof typeof commands

/** Whether a command is given for this revision and not yet carried out. */
export function commanded(world: World, ledger: Ledger, command: Command, revision: string): boolean {
  const value = valueOf(world, command)
  return value !== undefined && value.split('@')[0] === revision && ledger.commands[command] !== value
}

/** The ledger in which the present value of the command counts as carried out. */
export function carriedOut(world: World, ledger: Ledger, command: Command): Ledger {
  const value = valueOf(world, command)
  return value === undefined ? ledger : {...ledger, commands: {...ledger.commands, [command]: value.slice(0, 253)}}
}

/** Every command that stands on the Rollout counts as carried out: used when status is rebuilt. */
export function allCarriedOut(world: World, ledger: Ledger): Ledger {
  let result = ledger
  for (const command of Object.keys(commands) as Command[]) result = carriedOut(world, result, command)
  return result
}

function valueOf(world: World, command: Command): string | undefined {
  const value = world.observation.rollout.metadata.annotations?.[commands[command]]
  return value === undefined || value === '' ? undefined : value.slice(0, 253)
}
