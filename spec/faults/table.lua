-- Runs the whole fault harness and prints what came of each fault as a Markdown table:
-- `build/pghost spec/faults/table.lua`, some twenty minutes. The table is in docs/RELIABILITY.md. With names
-- of specs ("kill", "server") it runs those alone.
--
-- PGHOST_FAULTS_KILLS: how often a pipeline is killed, 200 unless set. The specs write to stderr.

local here = arg[0]:match("^(.*)/") or "."
local list = os.tmpname()
local kills = os.getenv("PGHOST_FAULTS_KILLS") or "200"
local command = "PGHOST_FAULTS_TABLE=%s PGHOST_FAULTS_KILLS=%s /proc/$PPID/exe %s/../run.lua -o TAP %s/%s_spec.lua 1>&2"

local ok = true
for _, name in ipairs(#arg > 0 and arg or { "kill", "modes", "server", "load", "concurrency", "pooler", "versions" }) do
  ok = os.execute(command:format(list, kills, here, here, name)) and ok
end

print "| where | fault | outcome |\n|---|---|---|"
for line in io.lines(list) do
  local section, fault, outcome = line:gsub("/tmp/pghost_spec%.%w+", "FOLDER"):match("^(.-)\t(.-)\t(.*)$")
  print(("| %s | %s | %s |"):format(section, fault, outcome))
end
os.remove(list)
if not ok then
  io.stderr:write "some faults were not survived: see above\n"
  os.exit(1)
end
