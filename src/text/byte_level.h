// Byte-level text (GPT-2): every byte of the UTF-8 form is written as one printable character, so that any text is made of 256 characters.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace attune {

/// The character that stands for a byte: itself for 33-126, 161-172 and 174-255; U+0100, U+0101, ... for the others in order.
char32_t byte_character(unsigned char byte);
/// U+0120, the space.
constexpr char32_t kByteSpace = 0x120;
/// The byte a character stands for; none for a character outside the alphabet.
std::optional<unsigned char> character_byte(char32_t c);

/// Appends the bytes that a token (UTF-8) stands for; the token's own bytes when one of its characters is outside the alphabet.
void append_token_bytes(std::string& out, std::string_view token);

}  // namespace attune
