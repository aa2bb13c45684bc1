-- Texts as UTF-16, with bytes that are none where a spec wants them.

-- A text as UTF-16; what stands between braces is hexadecimal bytes as they are.
return function(text, big)
  local out = {}
  for piece, raw in (text .. "{}"):gmatch("([^{]*){(%x*)}") do
    for _, code in utf8.codes(piece) do
      local high = code >= 0x10000 and 0xd800 + ((code - 0x10000) >> 10)
      out[#out + 1] = high and string.pack(big and ">I2" or "<I2", high) or ""
      out[#out + 1] = string.pack(big and ">I2" or "<I2", high and 0xdc00 + (code - 0x10000 & 0x3ff) or code)
    end
    out[#out + 1] = raw:gsub("%x%x", function(hex)
      return string.char(tonumber(hex, 16))
    end)
  end
  return table.concat(out)
end
