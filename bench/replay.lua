-- A pipeline whose rejects bench/measure/replay.lua replays.
--
--   PGHOST_BENCH_FILE=FILE PGHOST_BENCH_MODE=MODE build/pghost bench/replay.lua --dsn DSN
--   the same with PGHOST_BENCH_LENIENT=1 lets pass what was rejected: build/pghost --dsn DSN replay 1 bench/replay.lua

local pipeline = require "pghost.pipeline"
local r = require "pghost.rules"

local price = r.numeric(10, 2)

local rules = r.table("bench_replay", {
  { "id", r.bigint() },
  { "user_id", r.bigint() },
  { "starts_at", r.timestamp() },
  { "price", os.getenv "PGHOST_BENCH_LENIENT" and price:null_if("unknown") or price },
  { "status", r.text() },
  { "note", r.text() },
}, { key = "id" })

local run <close> = pipeline.start("bench_replay", { data = "" })
run:load("bench_replay", os.getenv "PGHOST_BENCH_FILE", rules, { mode = os.getenv "PGHOST_BENCH_MODE" })
run:publish()
