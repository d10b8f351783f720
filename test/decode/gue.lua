-- tshark has no dissector of GUE (draft-ietf-intarea-gue-09): this one steps over its header, on GUE's port and GLB's.
local gue = Proto("gue", "Generic UDP Encapsulation")
local inside = { [4] = Dissector.get("ip"), [41] = Dissector.get("ipv6") }

function gue.dissector(buffer, pinfo, tree)
  local first = buffer(0, 1):uint()
  if first >= 0x40 then
    return inside[first < 0x50 and 4 or 41]:call(buffer, pinfo, tree)
  end
  local header = 4 + 4 * (first % 32)
  tree:add(gue, buffer(0, header))
  local dissector = inside[buffer(1, 1):uint()]
  if dissector then
    dissector:call(buffer(header):tvb(), pinfo, tree)
  end
end

for _, port in ipairs({ 6080, 19523 }) do
  DissectorTable.get("udp.port"):add(port, gue)
end
