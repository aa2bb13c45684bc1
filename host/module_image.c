// The mapped image, its index, and loading from it.
#define _POSIX_C_SOURCE 200809L
#include "module_image.h"

#include <fcntl.h>
#include <lauxlib.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "library.h"

// The file: this header, `count` entries sorted by name, and what they point at. Numbers are those
// of the machine, as in bytecode.
typedef struct Header {
  char magic[8];
  uint32_t size; // of the file
  uint32_t count;
  char release[240]; // of Lua, ended by a 0
} Header;

// The path of a source is part of its bytecode and not known when that is made: `head` is what is
// before it and `tail` what is after it.
typedef struct Entry {
  uint64_t hash; // of the source
  uint32_t length;
  uint32_t name; // ended by a 0
  uint32_t head, head_size;
  uint32_t tail, tail_size;
} Entry;

static const char magic[8] = "pghost-1";

const char *module_image_release(void) {
  return lua_ident;
}

static bool lies_within(const Header *header, uint32_t at, uint32_t size) {
  return at <= header->size && size <= header->size - at;
}

static bool is_image(const Header *header, size_t size) {
  return size >= sizeof *header && memcmp(header->magic, magic, sizeof magic) == 0 &&
         header->size == size && header->release[sizeof header->release - 1] == 0 &&
         strcmp(header->release, lua_ident) == 0 &&
         header->count <= (size - sizeof *header) / sizeof(Entry);
}

static const Header *map_image(const char *path) {
  struct stat facts;
  int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0)
    return NULL;
  void *image = MAP_FAILED;
  size_t size = fstat(file, &facts) == 0 ? (size_t)facts.st_size : 0;
  if (size >= sizeof(Header))
    image = mmap(NULL, size, PROT_READ, MAP_PRIVATE, file, 0);
  close(file);
  if (image == MAP_FAILED)
    return NULL;
  if (is_image(image, size))
    return image;
  munmap(image, size);
  return NULL;
}

// NULL: there is none, or it is for another Lua.
static const Header *mapped_image(void) {
  static const Header *image;
  static bool looked;
  char path[PATH_MAX];
  if (!looked && library_built("pghost_modules.image", path))
    image = map_image(path);
  looked = true;
  return image;
}

static int compare_name(const void *name, const void *entry) {
  const Header *image = mapped_image();
  const Entry *other = entry;
  return other->name < image->size ? strcmp(name, (const char *)image + other->name) : -1;
}

static const Entry *find_entry(const char *name) {
  const Header *image = mapped_image();
  if (!image)
    return NULL;
  const Entry *entry = bsearch(name, image + 1, image->count, sizeof(Entry), compare_name);
  return entry && lies_within(image, entry->head, entry->head_size) &&
                 lies_within(image, entry->tail, entry->tail_size)
             ? entry
             : NULL;
}

// As in host/compile_modules.lua: of words of eight bytes, the last one filled up with zeros.
static uint64_t hash_of(const char *text, size_t length) {
  uint64_t hash = 0;
  for (size_t at = 0; at < length; at += sizeof hash) {
    uint64_t word = 0;
    memcpy(&word, text + at, length - at < sizeof word ? length - at : sizeof word);
    hash = (hash ^ word) * 0x9E3779B97F4A7C15u;
    hash ^= hash >> 32;
  }
  return hash;
}

// Whether the file is what the entry was compiled from.
static bool is_source_of(const Entry *entry, const char *path) {
  struct stat facts;
  bool is = false;
  int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0)
    return false;
  if (fstat(file, &facts) == 0 && (uint64_t)facts.st_size == entry->length) {
    char *text = malloc((size_t)entry->length + 1);
    is = text && read(file, text, (size_t)entry->length + 1) == (ssize_t)entry->length &&
         hash_of(text, entry->length) == entry->hash;
    free(text);
  }
  close(file);
  return is;
}

typedef struct Pieces {
  const char *data[3];
  size_t size[3];
  int next;
} Pieces;

static const char *read_piece(lua_State *L, void *pieces, size_t *size) {
  (void)L;
  Pieces *all = pieces;
  if (all->next == 3)
    return NULL;
  *size = all->size[all->next];
  return all->data[all->next++];
}

// A text as lundump.c reads it: its size and one more in groups of seven bits, high ones first, the
// last one marked.
static size_t put_text(char *to, const char *sign, const char *text) {
  size_t length = strlen(text) + 1, groups = 1;
  for (size_t rest = (length + 1) >> 7; rest; rest >>= 7)
    groups++;
  for (size_t i = 0; i < groups; i++)
    to[i] = (char)(((length + 1) >> (7 * (groups - 1 - i))) & 0x7f);
  to[groups - 1] = (char)(to[groups - 1] | 0x80);
  to[groups] = *sign;
  memcpy(to + groups + 1, text, length - 1);
  return groups + length;
}

static int load_entry(lua_State *L, const Entry *entry, const char *path) {
  const char *image = (const char *)mapped_image();
  char source[PATH_MAX + 16];
  Pieces pieces = {.data = {image + entry->head, source, image + entry->tail},
                   .size = {entry->head_size, put_text(source, "@", path), entry->tail_size}};
  return lua_load(L, read_piece, &pieces, path, "b");
}

int module_image_load(lua_State *L, const char *path, const char *name) {
  const Entry *entry = strlen(path) < PATH_MAX ? find_entry(name) : NULL;
  if (entry && is_source_of(entry, path))
    return load_entry(L, entry, path);
  return luaL_loadfilex(L, path, "t");
}
