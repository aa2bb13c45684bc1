-- Runs the very pghost that runs the specs as a process of its own.

local M = {}

local function read(command)
  local pipe = assert(io.popen(command, "r"))
  local out = pipe:read("a")
  pipe:close()
  return (out:gsub("\n$", ""))
end

--- Absolute path of the executable that runs this spec.
M.path = read("readlink -f /proc/$PPID/exe")

--- Folder that holds scripts/ and spec/.
M.root = read("cd '" .. (debug.getinfo(1, "S").source:match("^@(.*)/[^/]*$") or ".") .. "/../..' && pwd")

---@param text string
---@return string quoted for the shell
function M.quote(text)
  return "'" .. text:gsub("'", "'\\''") .. "'"
end

--- A new folder that everybody can enter; remove it with M.remove.
function M.folder()
  return read("d=$(mktemp -d /tmp/pghost_spec.XXXXXX) && chmod 755 $d && echo $d")
end

function M.remove(folder)
  assert(folder:find("^/tmp/pghost_spec%."))
  os.execute("rm -rf " .. folder)
end

function M.write(path, text)
  local file = assert(io.open(path, "w"))
  file:write(text)
  file:close()
  return path
end

function M.read(path)
  local file = assert(io.open(path, "r"))
  local text = file:read("a")
  file:close()
  return text
end

--- Runs a shell command; returns stdout, stderr, exit code.
---@param command string
---@param stdin? string
---@return string, string, integer
function M.shell(command, stdin)
  local input, output, errors = os.tmpname(), os.tmpname(), os.tmpname()
  M.write(input, stdin or "")
  local _, _, code = os.execute(("{ %s\n} <%s >%s 2>%s"):format(command, input, output, errors))
  local out, err = M.read(output), M.read(errors)
  os.remove(input)
  os.remove(output)
  os.remove(errors)
  return out, err, code
end

--- Runs psql over SQL; returns stdout (unaligned, tuples only), stderr, exit code.
---@param dsn string
---@param sql string
---@return string, string, integer
function M.psql(dsn, sql)
  return M.shell(("psql -X -q -A -t -v ON_ERROR_STOP=1 -d %s"):format(M.quote(dsn)), sql)
end

--- Runs pghost with the words given; returns stdout, stderr, exit code.
---@param words string[]
---@param options? { stdin?: string, env?: string, cd?: string } env: "NAME=value ..." for the shell
function M.run(words, options)
  options = options or {}
  local parts = { "cd", M.quote(options.cd or "."), "&&", options.env or "", M.quote(M.path) }
  for _, word in ipairs(words) do
    parts[#parts + 1] = M.quote(word)
  end
  return M.shell(table.concat(parts, " "), options.stdin)
end

return M
