// macaddr, macaddr8: see read_mac and read_mac8. inet and cidr: an address with or without the
// number of bits of its network, to the binary form of PostgreSQL's network_send
// (src/backend/utils/adt/network.c).
#include <arpa/inet.h>

#include "rules/type_tools.h"

enum {
  FAMILY_4 = 2, // PGSQL_AF_INET
  FAMILY_6 = 3, // PGSQL_AF_INET6
  MAC_BYTES = 6,
  MAC8_BYTES = 8,
  HEADER = 4, // family, bits, whether it is a cidr, length of the address
};

// Up to 128, without leading zeros. Returns -1 when it is not a number of bits.
static int read_bits(const char *at, const char *end) {
  int bits = 0;
  if (at == end || end - at > 3 || (*at == '0' && end - at > 1))
    return -1;
  for (; at < end; at++) {
    if (!is_digit(*at))
      return -1;
    bits = bits * 10 + (*at - '0');
  }
  return bits;
}

// The first numbers of an IPv4 address, without leading zeros; the others are 0. Returns how many
// there are, or 0.
static int read_numbers(const char *at, const char *end, unsigned char *address) {
  int count = 0;
  memset(address, 0, 4);
  for (;; at++) {
    const char *start = at;
    unsigned number = 0;
    for (; at < end && is_digit(*at) && at - start < 3; at++)
      number = number * 10 + (unsigned)(*at - '0');
    if (at == start || count == 4 || number > 255 || (*start == '0' && at - start > 1))
      return 0;
    address[count++] = (unsigned char)number;
    if (at == end)
      return count;
    if (*at != '.')
      return 0;
  }
}

// inet_pton refuses leading zeros. Returns the family, or 0; *numbers is how many an IPv4 address
// has.
static int read_address(const char *at, size_t len, unsigned char *address, int *numbers) {
  char text[INET6_ADDRSTRLEN];
  *numbers = read_numbers(at, at + len, address);
  if (*numbers > 0)
    return FAMILY_4;
  if (len >= sizeof text)
    return 0;
  memcpy(text, at, len);
  text[len] = 0;
  return inet_pton(AF_INET6, text, address) == 1 ? FAMILY_6 : 0;
}

// The bits of an IPv4 network that is written without any, by its class:
// inet_cidr_pton_ipv4 of src/backend/utils/adt/inet_net_pton.c.
static int bits_of_class(const unsigned char *address, int numbers) {
  int first = address[0];
  int bits = first >= 240 ? 32 : first >= 224 ? 8 : first >= 192 ? 24 : first >= 128 ? 16 : 8;
  bits = bits < numbers * 8 ? numbers * 8 : bits;
  return bits == 8 && first == 224 ? 4 : bits;
}

// Whether all bits after the first `bits` are zero.
static bool is_network(const unsigned char *address, int len, int bits) {
  for (int i = bits; i < len * 8; i++)
    if (address[i / 8] & (0x80 >> i % 8))
      return false;
  return true;
}

static const TypeKind cidr_type;

// The bits of an address of `numbers` numbers, or of IPv6. Returns -1 when none are meant.
static int bits_of(const char *slash, const char *end, const unsigned char *address, int numbers,
                   bool cidr) {
  int most = numbers == 0 ? 128 : cidr ? 32 : numbers * 8;
  int bits = slash ? read_bits(slash + 1, end) : 0;
  if (slash)
    return bits <= most ? bits : -1;
  if (numbers == 0 || numbers == 4)
    return numbers == 0 ? 128 : 32;
  return cidr ? bits_of_class(address, numbers) : -1;
}

static bool parse_inet(const Type *type, const char *text, size_t len, Buffer *scratch,
                       Value *value, const char **reason) {
  unsigned char bytes[HEADER + 16] = {0};
  const char *slash = memchr(text, '/', len);
  int numbers;
  int family = read_address(text, slash ? (size_t)(slash - text) : len, bytes + HEADER, &numbers);
  int size = family == FAMILY_4 ? 4 : 16;
  bool cidr = type->kind == &cidr_type;
  *reason = type->kind->refusal;
  int bits = family ? bits_of(slash, text + len, bytes + HEADER, numbers, cidr) : -1;
  if (bits < 0)
    return false;
  *reason = type->kind->out_of_range;
  if (cidr && !is_network(bytes + HEADER, size, bits))
    return false;
  bytes[0] = (unsigned char)family;
  bytes[1] = (unsigned char)bits;
  bytes[2] = cidr;
  bytes[3] = (unsigned char)size;
  return store_bytes(scratch, bytes, HEADER + (size_t)size, value, reason);
}

static int compare_bits(const char *a, const char *b, int bits) {
  int order = memcmp(a, b, (size_t)(bits / 8));
  if (order != 0 || bits % 8 == 0)
    return order;
  int shift = 8 - bits % 8;
  return ((unsigned char)a[bits / 8] >> shift) - ((unsigned char)b[bits / 8] >> shift);
}

static int sign(int order) {
  return (order > 0) - (order < 0);
}

// IPv4 before IPv6, then by the network's bits, their number, all bits (network_cmp_internal).
static int compare_addresses(const Value *left, const Value *right, const Buffer *scratch) {
  const char *a = type_bytes(left, scratch);
  const char *b = type_bytes(right, scratch);
  if (a[0] != b[0])
    return sign(a[0] - b[0]);
  int bits_a = (unsigned char)a[1];
  int bits_b = (unsigned char)b[1];
  int order = compare_bits(a + HEADER, b + HEADER, bits_a < bits_b ? bits_a : bits_b);
  if (order == 0)
    order = bits_a - bits_b;
  if (order == 0)
    order = compare_bits(a + HEADER, b + HEADER, a[3] * 8);
  return sign(order);
}

// Twelve hexadecimal digits: in pairs between ':' or '-', in fours between '.' or '-', in halves
// with
// ':' or '-' between them, or without anything between. Of what macaddr_in of
// src/backend/utils/adt/mac.c takes that leaves out groups with fewer digits or blanks among them.
static bool read_mac(const char *at, const char *end, unsigned char bytes[MAC_BYTES]) {
  int group = 0;
  while (at + group < end && hex_value(at[group]) >= 0)
    group++;
  char between = at + group < end ? at[group] : 0;
  if (!(group == 12 || (group == 4 && between == '.') ||
        ((group == 2 || group == 6) && between == ':') ||
        ((group == 2 || group == 4 || group == 6) && between == '-')))
    return false;
  for (int i = 0; i < MAC_BYTES; i++) {
    bool starts = i > 0 && i * 2 % group == 0;
    if (end - at < 2 + starts || (starts && *at++ != between))
      return false;
    int high = hex_value(at[0]), low = hex_value(at[1]);
    if (high < 0 || low < 0)
      return false;
    bytes[i] = (unsigned char)(high << 4 | low);
    at += 2;
  }
  return at == end;
}

static bool parse_macaddr(const Type *type, const char *text, size_t len, Buffer *scratch,
                          Value *value, const char **reason) {
  unsigned char bytes[MAC_BYTES];
  const char *at = text, *end = text + len;
  trim_space(&at, &end);
  if (!read_mac(at, end, bytes))
    return refuse(type->kind->refusal, reason);
  return store_bytes(scratch, bytes, sizeof bytes, value, reason);
}

// Six or eight pairs of hexadecimal digits; between any two may be a separator, the same one
// everywhere. Of what macaddr8_in of src/backend/utils/adt/mac8.c takes that leaves out a separator
// or a single digit after the last pair, which it ignores. Returns how many pairs there are, or 0.
static int read_mac8(const char *at, const char *end, unsigned char bytes[MAC8_BYTES]) {
  char between = 0;
  int count = 0;
  for (; at < end && count < MAC8_BYTES; at += 2) {
    if (count > 0 && (*at == ':' || *at == '-' || *at == '.')) {
      if (between && *at != between)
        return 0;
      between = *at++;
    }
    int high = end - at < 2 ? -1 : hex_value(at[0]), low = high < 0 ? -1 : hex_value(at[1]);
    if (low < 0)
      return 0;
    bytes[count++] = (unsigned char)(high << 4 | low);
  }
  return at == end && (count == MAC_BYTES || count == MAC8_BYTES) ? count : 0;
}

// An address of six bytes gets FF FE in its middle.
static bool parse_macaddr8(const Type *type, const char *text, size_t len, Buffer *scratch,
                           Value *value, const char **reason) {
  unsigned char bytes[MAC8_BYTES];
  const char *at = text, *end = text + len;
  trim_space(&at, &end);
  int count = read_mac8(at, end, bytes);
  if (count == 0)
    return refuse(type->kind->refusal, reason);
  if (count == MAC_BYTES) {
    memmove(bytes + 5, bytes + 3, 3);
    bytes[3] = 0xff;
    bytes[4] = 0xfe;
  }
  return store_bytes(scratch, bytes, sizeof bytes, value, reason);
}

static const TypeKind inet_type = {
    .name = "inet",
    .oid = 869,
    .parse = parse_inet,
    .compare = compare_addresses,
    .refusal = "not an inet",
    .family = "address",
};

static const TypeKind cidr_type = {
    .name = "cidr",
    .oid = 650,
    .parse = parse_inet,
    .compare = compare_addresses,
    .refusal = "not a cidr",
    .out_of_range = "bits set after the network of",
    .family = "address",
};

static const TypeKind macaddr_type = {
    .name = "macaddr",
    .oid = 829,
    .parse = parse_macaddr,
    .compare = compare_bytes,
    .refusal = "not a macaddr",
};

static const TypeKind macaddr8_type = {
    .name = "macaddr8",
    .oid = 774,
    .parse = parse_macaddr8,
    .compare = compare_bytes,
    .refusal = "not a macaddr8",
};

const TypeKind *const network_types[] = {&inet_type, &cidr_type, &macaddr_type, &macaddr8_type,
                                         NULL};
