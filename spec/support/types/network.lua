-- Addresses of networks and of network cards.

local making = require "support.types.making"

local pick, blanks = making.pick, making.blanks

local M = {}

function M.address()
  local parts = {}
  if math.random(2) == 1 then
    for i = 1, math.random(20) == 1 and math.random(5) or 4 do
      parts[i] = pick { math.random(0, 255), math.random(0, 260), 0, 10, 192 }
    end
    return table.concat(parts, ".") .. pick { "", "", "/" .. math.random(0, 33), "/24", "/8", "/0" }
  end
  for i = 1, math.random(20) == 1 and math.random(9) or 8 do
    parts[i] = ("%x"):format(pick { math.random(0, 65535), 0, 0, 1 })
  end
  local text = table.concat(parts, ":")
  if math.random(2) == 1 then
    local from = math.random(#parts)
    local to = math.min(#parts, from + math.random(0, 6))
    text = table.concat(parts, ":", 1, from - 1) .. "::" .. table.concat(parts, ":", to + 1)
  end
  if math.random(10) == 1 then
    text = text:gsub("%x+:%x+$", "10.1.2.3")
  end
  return text .. pick { "", "", "/" .. math.random(0, 129), "/64", "/48", "/0" }
end

-- A network: what follows its bits is zero.
local function network()
  local bits = math.random(0, 4) * 8
  local parts = {}
  for i = 1, 4 do
    parts[i] = i * 8 <= bits and math.random(0, 255) or 0
  end
  return pick { M.address(), table.concat(parts, ".") .. "/" .. bits, ("%x:%x::/32"):format(math.random(0, 65535),
    math.random(0, 65535)) }
end

local ADDRESSES = {
  "", " ", "0.0.0.0", "255.255.255.255", "256.0.0.0", "1.2.3", "1.2.3.4.5", "1.2.3.4/", "1.2.3.4/32", "1.2.3.4/33",
  "1.2.3.4/-1", "1.2.3.4/08", "1.2.3.4/0", "1.2.3.4/00", "01.2.3.4", "1.2.3.4 ", " 1.2.3.4", "1.2.3.4/ 8",
  "1.2.3.4/8 ", "10/8", "10.0.0.0/8", "10.1.0.0/8", "0x10.0.0.0", "::", "::1", "1::", ":1", "1:", ":::", "::/0",
  "::/128", "::/129", "::1/64", "2001:db8::/32", "2001:DB8::1", "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8:9",
  "1:2:3:4:5:6:7::", "::2:3:4:5:6:7:8", "1::3::5", "12345::", "::ffff:1.2.3.4", "::1.2.3.4/120", "::1.2.3",
  "fe80::1%eth0",
  "1.2.3.4/1000", "host", "1,2,3,4", "1.2.3.4/24/8",
}

-- Four numbers without leading zeros, or what has a colon; bits without leading zeros.
local MACS = {
  "", "08:00:2b:01:02:03", "08-00-2b-01-02-03", "08002b:010203", "08002b-010203", "0800.2b01.0203", "0800-2b01-0203",
  "08002b010203", "8:0:2b:1:2:3", " 08:00:2B:01:02:03\n", "08:00-2b:01:02:03", "08:00:2b:01:02", "08002b.010203",
  "08:00:2b:01:02:03:04", "08002b0102030", "0800:2b01:0203", "g8:00:2b:01:02:03", "08: 0:2b:01:02:03",
  "0x:00:2b:01:02:03",
}

local function mac()
  local plain = ("%012x"):format(math.random(0, 0xffffffffffff))
  local group = ({ 2, 4, 6, 12 })[math.random(4)]
  local between = group == 4 and ({ ".", "-" })[math.random(2)] or ({ ":", "-" })[math.random(2)]
  return blanks((plain:gsub(("."):rep(group), "%0" .. between):sub(1, -2)))
end

local function mac_shape(text)
  local plain = text:match("^%s*(.-)%s*$"):lower()
  local pair = "%x%x"
  for between, groups in pairs { [""] = { 6 }, [":"] = { 1, 3 }, ["%-"] = { 1, 2, 3 }, ["%."] = { 2 } } do
    for _, count in ipairs(groups) do
      local group = pair:rep(count)
      if plain:find("^" .. (group .. between):rep(6 // count - 1) .. group .. "$") then
        return true
      end
    end
  end
  return false
end

local MACS_8 = {
  "", "08:00:2b:01:02:03:04:05", "08-00-2b-01-02-03-04-05", "08002b:0102030405", "08002b-0102030405",
  "0800.2b01.0203.0405", "0800-2b01-0203-0405", "08002b01:02030405", "08002b0102030405", "08:00:2b:01:02:03",
  "08002b010203", " 08.00.2B.01.02.03\n", "08:00-2b:01:02:03", "08:00:2b:01:02:03:", "08:00:2b:01:02:03:04",
  "08002b0102030", "08002b01020304050", "08002b010203040506", ":08002b010203", "0:8002b010203", "08::00:2b:01:02:03",
  "g8:00:2b:01:02:03:04:05", "08:00:2b:01:02:03 04:05", "08:00:2b:01:02:03:04:0",
}

local function mac8()
  local separator, text = pick { ":", "-", "." }, ""
  for i = 1, pick { 6, 8, 8, math.random(5, 9) } do
    text = text .. (i > 1 and pick { separator, separator, "" } or "") .. ("%02x"):format(math.random(0, 255))
  end
  return blanks(text)
end

-- No separator or single digit after the last pair, which the server ignores.
local function mac8_shape(text)
  local digits = text:gsub("[^%x]", "")
  return (#digits == 12 or #digits == 16) and text:find("%x%x%s*$") ~= nil
end

function M.address_shape(text)
  local host, bits = text:match("^([^/]+)/(.*)$")
  host = host or text
  if bits and not (bits == "0" or bits:find("^[1-9]%d*$")) then
    return false
  end
  if host:find(":", 1, true) then
    local tail = host:match("[^:]*$")
    if tail:find(".", 1, true) then
      return tail:find("^%d+%.%d+%.%d+%.%d+$") ~= nil and not tail:find("%f[%d]0%d")
    end
    return tail ~= "" or host:find("::$") ~= nil
  end
  return host:find("^%d+%.%d+%.%d+%.%d+$") ~= nil and not host:find("%f[%d]0%d")
end

M.types = {
  { name = "inet", send = "inet_send", make = M.address, alphabet = "0123456789.:/af ", picked = ADDRESSES,
    shape = M.address_shape, spellings = true },
  { name = "cidr", send = "cidr_send", make = network, alphabet = "0123456789.:/af ", picked = ADDRESSES,
    shape = M.address_shape, spellings = true },
  { name = "macaddr", send = "macaddr_send", make = mac, alphabet = "08aF:-. ", picked = MACS, shape = mac_shape },
  { name = "macaddr8", send = "macaddr8_send", make = mac8, alphabet = "08aF:-. ", picked = MACS_8,
    shape = mac8_shape },
}

return M
