module.exports = {
  // the applications of test/apps have packages of their own, with tests in them
  ignore: ['**/node_modules/**'],

  // Machines that run CI are busy, and tests with real nodes, sockets and timers feel it: there, a test that fails is
  // run once more. `test/retried.ts` lists what needed it. Nowhere else is anything retried, so that whoever works
  // on a test sees that it is not reliable.
  ...process.env.CI == null ? {} : { retries: 1 }
}
