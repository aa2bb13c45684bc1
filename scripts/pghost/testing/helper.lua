-- What busted loads as its helper script (`--helper=`), once it takes subscriptions.

local runner = require "pghost.testing.runner"

runner.subscribe()

return true
