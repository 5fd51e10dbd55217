#pragma once

// Files as Windows PowerShell writes them.

#include <pugixml.hpp>

#include <string>
#include <string_view>

namespace lync::lyncctl {

/// UTF-8 of what Out-File may have written: UTF-16 with its byte order mark, and lines that are
/// broken at the console's width, in the middle of a word. The number of lines stays the same.
/// Throws Mistake for broken UTF-16.
std::string text_of_powershell(std::string content, const std::string& name);

/// A member of an object that Export-Clixml wrote: `<Obj><Props><S N="Component">Meet</S>`.
std::string property(pugi::xml_node object, std::string_view name);

} // namespace lync::lyncctl
