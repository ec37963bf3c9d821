/**
 * Lists the tests that passed only when they were run once more, which CI allows (`.mocharc.cjs`)
 */

const retried = new Set<string>()

afterEach(function () {
  const test = this.currentTest

  // mocha counts from 0, and its types leave this out
  if (test != null && (test as unknown as { _currentRetry: number })._currentRetry > 0) {
    retried.add(test.fullTitle())
  }
})

after(() => {
  if (retried.size > 0) {
    // eslint-disable-next-line no-console
    console.warn(`\nrun more than once:\n${[...retried].map(title => `  ${title}`).join('\n')}\n`)
  }
})
