-- One load of bench/measure/merge.lua: files into a table that is published already.
--
--   build/pghost bench/merge.lua --dsn DSN --table NAME --mode MODE [--missing WORD] [--changed WORD] FILE...

local pipeline = require "pghost.pipeline"
local r = require "pghost.rules"

local options, paths = {}, {}
local i = 1
while arg[i] do
  local name = arg[i]:match "^%-%-(%a+)$"
  if name then
    options[name], i = arg[i + 1], i + 1
  else
    paths[#paths + 1] = arg[i]
  end
  i = i + 1
end

local rules = r.table(options.table, {
  { "id", r.bigint() },
  { "user_id", r.bigint() },
  { "starts_at", r.timestamp() },
  { "price", r.numeric(10, 2) },
  { "status", r.text() },
  { "note", r.text() },
}, { key = "id" })

local run <close> = pipeline.start("bench_merge", { data = "" }, { arguments = {}, dsn = options.dsn })
run:load(options.table, paths, rules, { mode = options.mode, missing = options.missing, changed = "load" })
run:publish()
