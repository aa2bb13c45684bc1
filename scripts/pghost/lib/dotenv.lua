-- Reads a .env file, and the way to the database out of one.
--
-- Understood: `NAME=value`, `export NAME=value`, comments, 'as it is', "with \n and \" escapes", and
-- `${NAME}` of a name set above or in the environment. Nothing is put into the environment.

local lfs = require "lfs"

local M = {}

local escapes = { n = "\n", r = "\r", t = "\t" }

-- libpq's environment variables and the keywords they stand for (manual, libpq, "Environment
-- Variables").
local keywords = {
  PGHOST = "host",
  PGHOSTADDR = "hostaddr",
  PGPORT = "port",
  PGDATABASE = "dbname",
  PGUSER = "user",
  PGPASSWORD = "password",
  PGPASSFILE = "passfile",
  PGSERVICE = "service",
  PGOPTIONS = "options",
  PGAPPNAME = "application_name",
  PGSSLMODE = "sslmode",
  PGSSLCERT = "sslcert",
  PGSSLKEY = "sslkey",
  PGSSLROOTCERT = "sslrootcert",
  PGSSLCRL = "sslcrl",
  PGCHANNELBINDING = "channel_binding",
  PGGSSENCMODE = "gssencmode",
  PGKRBSRVNAME = "krbsrvname",
  PGTARGETSESSIONATTRS = "target_session_attrs",
  PGCONNECT_TIMEOUT = "connect_timeout",
}

-- The names of the Docker image.
local docker_keywords = {
  POSTGRES_HOST = "host",
  POSTGRES_PORT = "port",
  POSTGRES_DB = "dbname",
  POSTGRES_USER = "user",
  POSTGRES_PASSWORD = "password",
}

-- Those that say where to connect to. A password alone does not.
local places = {
  "PGSERVICE", "PGHOST", "PGHOSTADDR", "PGPORT", "PGDATABASE", "PGUSER",
}
local docker_places = { "POSTGRES_HOST", "POSTGRES_PORT", "POSTGRES_DB", "POSTGRES_USER" }

M.places = places

local function expand(text, values)
  return (text:gsub("%${([%a_][%w_]*)}", function(name)
    return values[name] or os.getenv(name)
  end))
end

local function unescape(text)
  return (text:gsub("\\(.)", function(char)
    return escapes[char] or char
  end))
end

local function value_of(text, values)
  local single = text:match("^'([^']*)'")
  if single then
    return single
  end
  if text:sub(1, 1) == '"' then
    local at = 2
    while at <= #text and text:sub(at, at) ~= '"' do
      at = at + (text:sub(at, at) == "\\" and 2 or 1)
    end
    return expand(unescape(text:sub(2, at - 1)), values)
  end
  return expand(text:gsub("%s+#.*$", ""):gsub("^#.*$", ""):gsub("%s+$", ""), values)
end

--- Parses the text of a .env file. Lines that are no assignment are skipped.
---@param text string
---@return table<string, string>
function M.parse(text)
  local values = {}
  for line in text:gsub("^\xEF\xBB\xBF", ""):gmatch("[^\r\n]+") do
    local name, rest = line:gsub("^%s*export%s+", ""):match("^%s*([%a_][%w_]*)%s*=%s*(.*)$")
    if name then
      values[name] = value_of(rest, values)
    end
  end
  return values
end

local function has_password(values)
  return (values.PGPASSWORD or values.POSTGRES_PASSWORD or "") ~= ""
    or (values.DATABASE_URL or ""):find("://[^/@]*:[^@]+@") ~= nil
    or (values.DATABASE_URL or ""):find("password=", 1, true) ~= nil
end

local function others_can_read(path)
  local permissions = lfs.attributes(path, "permissions")
  return permissions and (permissions:sub(4, 4) == "r" or permissions:sub(7, 7) == "r") -- of the group, or all
end

--- Reads a .env file. Warns on stderr when it holds a password and others can read it.
---@param path string
---@return table<string, string>? nil when there is no such file
function M.read(path)
  local file <close> = io.open(path, "r")
  if not file then
    return nil
  end
  local values = M.parse(file:read("a") or "")
  if has_password(values) and others_can_read(path) then
    io.stderr:write(("pghost: warning: %s holds a password and others can read it: chmod 600 %s\n"):format(path, path))
  end
  return values
end

local function any(values, names)
  for _, name in ipairs(names) do
    if (values[name] or "") ~= "" then
      return true
    end
  end
  return false
end

local function collect(values, names, into)
  for name, keyword in pairs(names) do
    if (values[name] or "") ~= "" then
      into[keyword] = values[name]
    end
  end
end

--- Where the values lead: DATABASE_URL, else libpq's names over those of the Docker image.
---@param values table<string, string>
---@return string? conninfo nil when they name no place; may hold a password: never show it
function M.conninfo(values)
  if (values.DATABASE_URL or "") ~= "" then
    return values.DATABASE_URL
  end
  if not any(values, places) and not any(values, docker_places) then
    return nil
  end
  local parts = {}
  local settings = {}
  if any(values, docker_places) and not values.PGSERVICE then
    settings.host = "localhost"
  end
  collect(values, docker_keywords, settings)
  collect(values, keywords, settings)
  for keyword, value in pairs(settings) do
    parts[#parts + 1] = ("%s='%s'"):format(keyword, value:gsub("[\\']", "\\%0"))
  end
  table.sort(parts)
  return table.concat(parts, " ")
end

return M
