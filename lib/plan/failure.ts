/** Ends the command with a message and an exit code: 2 for a wrong command, 1 for anything else. */
export class Failure extends Error {
  readonly exitCode: number

  constructor(message: string, exitCode = 1) {
    super(message)
    this.exitCode = exitCode
  }
}

export function wrongCommand(message: string): Failure {
  return new Failure(message, 2)
}
