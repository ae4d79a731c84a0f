#!/usr/bin/env node
// Kept to a syntax that an old Node can read, so that it is told so in one line instead of a syntax error.
var wanted = [22, 18]
var version = process.versions.node.split('.').map(Number)
if (version[0] < wanted[0] || (version[0] === wanted[0] && version[1] < wanted[1])) {
  console.error('sluice: Node ' + wanted.join('.') + ' or newer is needed, this is ' + process.versions.node)
  process.exit(1)
}

import('node:module')
  .then(function (module) {
    // Compiled code is kept between starts, which makes them several times quicker.
    module.enableCompileCache()
    return import('../dist/main.js')
  })
  .then(function (program) {
    return program.main(process.argv.slice(2), performance.timeOrigin)
  })
  .then(
    function (code) {
      process.exit(code)
    },
    function (error) {
      console.error(error)
      process.exit(1)
    },
  )
