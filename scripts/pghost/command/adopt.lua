-- pghost adopt TABLE...: lets pipelines replace tables that pghost has not published.

local adoption = require "pghost.publish.adoption"
local argparse = require "argparse"
local command_arguments = require "pghost.lib.arguments"
local connection = require "pghost.connection"
local log = require "pghost.lib.log"
local schema = require "pghost.run.schema"

local function parse(arguments)
  local parser = argparse("pghost adopt",
    "Lets pghost replace tables that it has not published: the next run of a pipeline with a table of that name drops "
    .. "it with its data. What depends on it (views, grants, indexes, ...) is kept.")
  parser:argument("table", "SCHEMA.TABLE, or TABLE in the schema public."):args("+")
  parser:epilog("Example: pghost adopt public.customer")
  return command_arguments.parse(parser, arguments, "pghost adopt").table
end

local names = parse { ... }
local conn <close> = connection.open()
schema.migrate(conn)
conn:transaction(function()
  for _, name in ipairs(names) do
    local in_schema, table_name = name:match("^([^.]+)%.(.+)$")
    in_schema, table_name = in_schema or "public", table_name or name
    local records = adoption.adopt(conn, in_schema, table_name)
    io.stderr:write(("'%s.%s'%s may be replaced by the next run that has a table of that name\n"):format(in_schema,
      table_name, records >= 0 and (" (about %s)"):format(log.counted(records, "record")) or ""))
  end
end)
