-- pghost compile_modules.lua IMAGE FILE...: the files, by their paths below scripts/, the current folder, as bytecode.
-- The build runs it, so that no process has to parse them. host/module_image.c says what is in the image, and reads it.

local host = require "pghost.native.host"

local header_format, entry_format = "=c8I4I4c240", "=I8I4I4I4I4I4I4"
local marker = "@" .. ("a path "):rep(6)

local function read(path)
  local file <close> = assert(io.open(path, "rb"))
  return file:read("a")
end

-- As hash_of in host/module_image.c.
local function hash(text)
  local value = 0
  text = text .. ("\0"):rep(-#text % 8)
  for at = 1, #text, 8 do
    value = (value ~ string.unpack("=i8", text, at)) * 0x9E3779B97F4A7C15
    value = value ~ (value >> 32)
  end
  return value
end

-- The bytecode before and after the path of the source, which begins with a byte for its size.
local function compile(source, name)
  local fn = load(source, marker, "t")
  if not fn then
    error(select(2, load(source, "@" .. name, "t")), 0)
  end
  local code = string.dump(fn)
  local first, last = code:find(marker, 1, true)
  assert(first and code:byte(first - 1) == (#marker + 1 | 0x80) and not code:find(marker, last, true),
    "bytecode of this Lua does not look as expected")
  return code:sub(1, first - 2), code:sub(last + 1)
end

-- Entries in the order of their names, and what they point at, which begins at `start`.
local function pack(names, start)
  local entries, data = {}, {}
  local function put(text)
    data[#data + 1] = text
    start = start + #text
    return start - #text
  end
  for i, name in ipairs(names) do
    local source = read(name)
    local head, tail = compile(source, name)
    entries[i] = string.pack(entry_format, hash(source), #source, put(name .. "\0"), put(head), #head, put(tail),
      #tail)
  end
  return table.concat(entries), table.concat(data)
end

local image, names = arg[1], { table.unpack(arg, 2) }
table.sort(names)
local start = string.packsize(header_format) + #names * string.packsize(entry_format)
local entries, data = pack(names, start)
local release = host.lua_release
-- Another process may have the old image mapped, so that stays as it is.
local file = assert(io.open(image .. ".new", "wb"))
assert(file:write(string.pack(header_format, "pghost-1", start + #data, #names, release), entries, data))
assert(file:close())
assert(os.rename(image .. ".new", image))
