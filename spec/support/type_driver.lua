-- The types of the C side and those of the server, side by side: the same texts through
-- build/type_driver and through the server's own input functions.

local server = require "support.server"

local M = {}

-- The driver is built beside the running binary.
local program

local function driver()
  program = program or server.shell("readlink /proc/$PPID/exe"):gsub("[^/]*$", "type_driver")
  return program
end

local HEX = {}
for byte = 0, 255 do
  HEX[string.char(byte)] = ("%02x"):format(byte)
end

function M.hex(text)
  return (text:gsub(".", HEX))
end

local function write(name, lines)
  local file <close> = assert(io.open(name, "w"))
  file:write(table.concat(lines, "\n"), "\n")
end

local function lines_of(text)
  local list = {}
  for line in (text .. "\n"):gmatch("(.-)\n") do
    list[#list + 1] = line
  end
  return list
end

--- Sends commands to the driver (see spec/c/type_driver.c); returns as many answers.
---@param commands string[]
---@return string[]
function M.ask(commands)
  local name = os.tmpname()
  write(name, commands)
  local answers = lines_of(server.shell(driver() .. " < " .. name))
  os.remove(name)
  assert(#answers == #commands, "answers are missing: " .. tostring(answers[#answers]))
  return answers
end

--- What the server makes of texts: the hexadecimal digits of the binary form, "-" where it refuses.
--- `expression` is SQL over a text `$1`, giving bytea; `setup` runs before.
---@param expression string
---@param texts string[]
---@param setup? string
---@return string[]
function M.server_fields(expression, texts, setup)
  local script = {
    "set client_min_messages = error; set timezone = 'UTC';",
    setup or "",
    "create temp table texts (id int, value text);",
    "create function pg_temp.field(text) returns text language plpgsql as $f$ begin return encode("
      .. expression
      .. ", 'hex'); exception when others then return '-'; end $f$;",
    "copy texts from stdin;",
  }
  for i, text in ipairs(texts) do
    script[#script + 1] = i .. "\t\\\\x" .. M.hex(text)
  end
  script[#script + 1] = "\\."
  script[#script + 1] = "select pg_temp.field(convert_from(value::bytea, 'UTF8')) from texts order by id;"
  local answers = lines_of(server.get():psql(table.concat(script, "\n")))
  assert(#answers == #texts, "answers of the server are missing: " .. tostring(answers[1]))
  return answers
end

--- The same for a column of a type: through its input function with its modifier, as COPY does.
--- json and jsonb, which that way would be parsed as json, are cast. What jsonb_recv takes is the
--- text itself behind a version byte; jsonb_send would give it normalised.
function M.column_fields(type_name, send, texts)
  if type_name == "json" then
    return M.server_fields("json_send($1::json)", texts)
  elseif type_name == "jsonb" then
    return M.server_fields("case when $1::jsonb is not null then '\\x01' || convert_to($1, 'UTF8') end", texts)
  end
  if type_name == "char(3)" then -- without the blanks that the server appends: they are no part of the value
    send = "textsend(v::text)"
  end
  local setup = ("create temp table shape (v %s);"):format(type_name)
  -- json_populate_record takes arrays of json for arrays: plpgsql's assignment converts by text instead.
  local script = ("create function pg_temp.input(t text) returns shape language plpgsql as $f$ declare r shape; "
    .. "begin execute format('insert into shape values (%L) returning *', t) into r; return r; end $f$;")
  local value = "(json_populate_record(null::shape, json_build_object('v', $1))).v"
  if type_name:find("[]", 1, true) then
    setup, value = setup .. script, "(pg_temp.input($1)).v"
  end
  return M.server_fields(send:find("v::") and send:gsub("v::", function() return value .. "::" end)
    or ("%s(%s)"):format(send, value), texts, setup)
end

--- How the server orders pairs of texts, each of which it accepts: "-1", "0", "1".
function M.server_orders(type_name, pairs_of_texts)
  local script = {
    "set timezone = 'UTC'; create temp table texts (id int, a text, b text);",
    "copy texts from stdin;",
  }
  for i, pair in ipairs(pairs_of_texts) do
    script[#script + 1] = ("%d\t\\\\x%s\t\\\\x%s"):format(i, M.hex(pair[1]), M.hex(pair[2]))
  end
  local cast = "convert_from(%s::bytea, 'UTF8')::" .. type_name
  local collate = (type_name == "text" or type_name:find("^varchar")) and ' collate "C"' or ""
  script[#script + 1] = "\\."
  script[#script + 1] = ("create temp table casts as select id, %s as a, %s as b from texts;"):format(
    cast:format("a"),
    cast:format("b")
  )
  script[#script + 1] =
    ("select case when a < b%s then -1 when a = b then 0 else 1 end from casts order by id;"):format(collate)
  return lines_of(server.get():psql(table.concat(script, "\n")))
end

return M
