-- pghost query: runs SQL and writes its rows, for people or for programs, in constant memory.

local argparse = require "argparse"
local command_arguments = require "pghost.lib.arguments"
local connection = require "pghost.connection"
local errors = require "pghost.lib.errors"
local parameters = require "pghost.lib.query_parameters"
local row_writers = require "pghost.lib.row_writers"
local sql = require "pghost.lib.sql"
local sys = require "pghost.native.sys"

local function new_parser()
  local parser = argparse("pghost query", "Runs SQL and prints its rows. Several statements run in order.")
  parser:argument("sql", "The SQL, or - for standard input."):args("?")
  parser:option("-f --file", "Read the SQL from a file, such as one of sql/analytics."):argname("FILE")
  parser:option("-p --param", "Value of a parameter (:name). The server infers its type; NAME:TYPE=VALUE gives it.")
    :argname("NAME=VALUE"):count("*"):convert(parameters.read)
  local formats = {}
  for i, format in ipairs(row_writers.formats) do
    formats[i] = parser:flag("--" .. format, ({
      table = "Aligned columns (default).",
      expanded = "One line for each value.",
      csv = "CSV with a header, as psql --csv.",
      json = "One JSON object per line.",
      markdown = "A Markdown table.",
    })[format])
  end
  parser:mutex(table.unpack(formats))
  parser:option("--null", "What NULL looks like."):argname("TEXT")
  parser:epilog("Example: pghost query -f question.sql -p as_of=2024-06-30 --csv > answer.csv")
  return parser
end

-- The SQL, and where it is from.
local function text_of(options)
  if options.file then
    return sql.read_text(options.file), options.file
  elseif options.sql and options.sql ~= "-" then
    return options.sql
  elseif not options.sql and sys.is_tty(0) then
    errors.raise("no SQL: pghost query \"SELECT ...\", or --file FILE (see pghost query --help)", "usage")
  end
  local text, problem = io.stdin:read("a")
  if not text then
    errors.raise("could not read standard input: " .. problem, "EIO")
  end
  return text, "standard input"
end

local function format_of(options)
  for _, format in ipairs(row_writers.formats) do
    if options[format] then
      return format
    end
  end
  return "table"
end

-- What a statement without rows did.
local function write_affected(format, stream)
  if format == "table" or format == "expanded" then
    local count = stream:affected()
    io.stdout:write(count == 1 and "(1 row affected)\n" or ("(%d rows affected)\n"):format(count))
  end
end

local elsewhere <const> = [[
  SELECT pg_catalog.concat(pg_catalog.quote_ident(n.nspname), '.', pg_catalog.quote_ident(c.relname)) AS name
  FROM pg_catalog.pg_class AS c
    JOIN pg_catalog.pg_namespace AS n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
  WHERE c.relname OPERATOR(pg_catalog.=) $1::pg_catalog.name AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
    AND pg_catalog.has_schema_privilege(n.oid, 'USAGE') ORDER BY 1 LIMIT 1]]

-- A table that is not in the search_path: where it is.
local function add_schema(conn, problem)
  local before, name, after = problem.message:match '^(relation "([^".]+)" does not exist)(.*)$'
  local found = name and conn:status() == "idle" and conn:query(elsewhere, name)[1]
  if found then
    problem.message = ("%s: did you mean %s?%s"):format(before, found.name, after)
  end
end

-- A stream whose first row has been read. A server error gets its position in the original text.
local function begin(conn, statement, options)
  local text, values, places = statement:bind(options.parameters)
  local stream
  local done, next_row, row = pcall(function()
    local rows, _, _, opened = conn:stream(text, table.unpack(values, 1, values.n))
    stream = opened
    return rows, rows()
  end)
  if not done then
    if errors.is(next_row) and next_row.code == "42P01" then
      add_schema(conn, next_row)
    end
    statement:locate(next_row, text, text, places)
    error(next_row, 0)
  end
  return next_row, row, stream
end

local function run(conn, statement, options)
  local format = format_of(options)
  local next_row, row, stream = begin(conn, statement, options)
  local _ <close> = stream
  local columns = stream:columns() or {}
  if #columns == 0 then
    write_affected(format, stream)
    return
  end
  local writer = row_writers.new(format, io.stdout, { columns = columns, types = stream:types(), null = options.null,
    width = format == "table" and sys.is_tty(1) and sys.columns(1) or nil })
  if row and format == "csv" then
    errors.check(stream:write_csv(io.stdout, options.null))
    row = nil
  end
  while row do
    writer:write(row)
    row = next_row()
  end
  writer:finish()
end

local options = command_arguments.parse(new_parser(), { ... }, "pghost query", { { "--file", "SQL" } })
options.parameters = parameters.table_of(options.param)
local text, name = text_of(options)
local statements, lines = sql.split(text, name)
if #statements == 0 then
  errors.raise("no SQL in " .. (name or "the argument"), "usage")
end
for i, statement in ipairs(statements) do
  statements[i] = sql.parse(statement, name, lines[i])
  statements[i]:bind(options.parameters) -- all are known before the first runs
end
local conn <close> = connection.open()
for i, statement in ipairs(statements) do
  if i > 1 and (format_of(options) == "table" or format_of(options) == "expanded") then
    io.stdout:write("\n")
  end
  run(conn, statement, options)
end
