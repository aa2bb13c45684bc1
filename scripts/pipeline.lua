-- Desk bookings, from CSV files to answers: `pghost scripts/pipeline.lua [--data DIR] [--as-of TIME]`.

local pipeline = require "pghost.pipeline"
local config = require "config"

local run <close> = pipeline.start("bookings", config)
run:expect(require "checks") -- a mistake in them ends the run before anything is loaded
run:load("company", "company.csv", require "rules.company") -- company_raw and company, in one pass
run:load("users", "users.csv", require "rules.users")
run:load("booking", "booking*.csv", require "rules.booking")
run:check()
run:analyse("sql/analytics")
run:publish()
