/**
 * Asks a platform for each check of the conformance program, in a request of its own. A platform
 * is `{ version, expects, ask, close }`; `expects` is what its plan must say besides.
 */
export async function conform(platform) {
  const outcomes = []
  try {
    const { groups, ...facts } = await platform.ask('plan')
    for (const [fact, expected] of Object.entries(platform.expects)) {
      const passed = facts[fact] === expected
      outcomes.push({ name: fact, passed, error: `it is ${facts[fact]}, not ${expected}` })
    }
    for (const group of groups) {
      const answers = await Promise.all(group.map((name) => asked(platform, name)))
      answers.forEach((answer, i) => {
        outcomes.push({ name: group[i], ...answer })
      })
    }
  } catch (error) {
    outcomes.push({ name: 'the plan', passed: false, error: error.stack })
  } finally {
    await platform.close()
  }
  const failures = outcomes.filter(({ passed }) => passed !== true)
  for (const { name, error } of failures) console.log(`FAILED ${name}: ${error}`)
  return {
    version: platform.version,
    passed: outcomes.length - failures.length,
    failed: failures.length,
  }
}

/** One that hangs has failed, and the rest goes on. */
async function asked(platform, name) {
  let timer
  const late = new Promise((resolve) => {
    timer = setTimeout(() => resolve({ passed: false, error: 'no answer in 30 seconds' }), 30_000)
  })
  try {
    return await Promise.race([platform.ask(name), late])
  } catch (error) {
    return { passed: false, error: `${error}` }
  } finally {
    clearTimeout(timer)
  }
}
