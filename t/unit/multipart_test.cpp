// Uploads: the heads and fields of a multipart body, and the rows that look at them and at forms.

#include "policy/multipart.h"

#include "catch.h"
#include "policy_sites.h"

using namespace policy_sites;

TEST_CASE("shield: file names of a multipart body, in pieces of any size", "[shield]") {
    using policy::PartHeads;
    const auto names_in = [](const std::string& body, std::size_t piece, std::string type) {
        PartHeads parts;
        REQUIRE(parts.begin(type) == PartHeads::Type::multipart);
        std::string names;
        for (std::size_t i = 0; i < body.size(); i += piece) {
            if (!parts.feed(
                    std::string_view(body).substr(i, piece),
                    [&](std::string_view head) {
                        char text[PartHeads::max_head];
                        const std::string_view name = policy::file_names(head, text);
                        if (!name.empty()) {
                            names += std::string(name.substr(0, name.find_first_of("\r\n"))) + "|";
                        }
                        return name.find("evil") == std::string_view::npos;
                    },
                    [&](std::string_view field, bool whole) {
                        names += (whole ? "" : "long ") + std::string(field.substr(0, 20)) + "|";
                        return true;
                    })) {
                return names + "stopped";
            }
        }
        return names;
    };
    const std::string body =
        "preamble\r\n----B-B\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n"
        "filename=\"not one\"\r\n--B-\r\n----B-B\r\nContent-Disposition: form-data; "
        "FileName = \"x.txt\"; filename*=UTF-8''y\r\nContent-Type: text/plain\r\n\r\n" +
        std::string(5000, '-') + "\r\n----B-B\ncontent-disposition: x; filename=z\n\n" +
        "data\r\n----B-B--\r\n";
    for (std::size_t piece = 1; piece < 200; piece++) {
        CHECK(names_in(body, piece, "Multipart/Form-Data; Boundary=\"--B-B\"; x=y") ==
              "a=filename=\"not one\"|FileName =x.txt; filename*=UTF-8==y|filename=z|");
    }
    const std::string head = "\r\nContent-Disposition: form-data; name=";
    for (const auto& [in, fields] : {
             std::pair("--b" + head + "\"n\"\r\n\r\n../x\r\n--b" + head + "m\n\n\n--b--\r\n",
                       "n=../x|m=|"),
             std::pair("--b" + head + "n; filename*=x\r\n\r\n1\r\n2--b\r\n--b",
                       "filename*=x|n=1\r\n2--b|"),
             std::pair("--b\r\nX: filename=" + head + "n\r\n\r\n1\r\n--b",
                       "filename=Content-Disposition: form-data; name=n|n=1|"),
             std::pair("--b\r\nX: name=y\r\n\r\n1\r\n--b" + head + "n\r\n\r\n\r\n--b--", "n=|"),
             std::pair("--b" + head + "n\r\n\r\n" + std::string(20000, 'x') + "\r\n--b" + head +
                           "m\r\n\r\n2\r\n--b",
                       "long n=xxxxxxxxxxxxxxxxxx|m=2|"),
             std::pair("--b" + head + "n\r\n\r\n1\r\n--bX\r\n\r\n../x\r\n--b--", "n=1|stopped"),
             std::pair("--b" + head + "n\r\n\r\n1\r\n--b--X\r\n../x\r\n--b--", "n=1|stopped"),
         }) {
        for (const std::size_t piece : {1, 2, 3, 7, 50, 99999}) {
            CHECK(names_in(in, piece, "multipart/form-data;boundary=b") == fields);
        }
    }
    const std::string evil = "--b\r\nContent-Disposition: a; filename=\"evil\"\r\n\r\n";
    CHECK(names_in(evil, 7, "multipart/form-data;boundary=b") == "filename=evil|stopped");
    CHECK(names_in("--b\r\n" + std::string(5000, 'x'), 99, "multipart/form-data;boundary=b") ==
          "stopped");

    CHECK(names_in("--WebKitFormBoundary7MA4\r\na: b; filename=\"x\"\r\n\r\n", 9,
                   "multipart/form-data; boundary=WebKitFormBoundary7MA4") == "filename=x|");
    for (const auto& [head, plain] :
         {std::pair("a; name=\"\xc3\xa9\"; filename=\"\xc3\xa9\"", true),
          std::pair("a; file\xc2\xadname=\"x\"", false), std::pair("a; file\vname=x", false)}) {
        CHECK(policy::is_plain_head(head) == plain);
    }

    PartHeads parts;
    CHECK(parts.begin("text/plain; boundary=x") == PartHeads::Type::other);
    for (const std::string type :
         {"", "; boundary", "; boundary=", "; boundary=a; boundary=b", "; boundary=\"\"",
          "; boundary=\"a\\b\"", "; boundary=\" a\"", "; boundary=\"a \"", "; boundary=\va",
          "; bound\xc2\xad"
          "ary=a; boundary=b"}) {
        CHECK(parts.begin("multipart/form-data" + type) == PartHeads::Type::unreadable);
    }
    const Site site(shielded(pool()));
    const policy::Shields& rows = site.shields();
    for (const std::string name :
         {"..\\..\\x.aspx", "..%5cx", "%2e%2e%2fx", "x.aspx::$DATA", "\\\\evil\\x", "//evil/x",
          "/\\evil\\x", "a/../b", "x.aspx:$DATA", "C:\\inetpub\\x", "c%3a/x", "x:a:$Data"}) {
        INFO(name);
        CHECK(rows.refuses(rows.find_in(policy::in_file, Service::datacollab, "filename=" + name)));
        CHECK_FALSE(rows.find_in(policy::in_file, Service::ucwa, "filename=" + name));
    }
    for (const std::string name :
         {"Q3..Q4.pptx", "12:30.txt", "50%.xlsx", "a ($x).docx", "Plan...final.pptx"}) {
        INFO(name);
        CHECK_FALSE(rows.find_in(policy::in_file, Service::datacollab, "filename=" + name));
    }
}

TEST_CASE("shield: fields of forms", "[shield]") {
    const Site site(shielded(pool()));
    const policy::Shields& rows = site.shields();
    const auto stops = [&](std::string_view form) {
        return rows.refuses(rows.find_in_each(policy::in_form, Service::datacollab, form, '&'));
    };
    for (const std::string_view form :
         {"a=b&name=..%2f..%2fx", "name=..\\x", "name=%2e%2e%252fx&a=b", "x=%5c%5cevil%5cx",
          "n=C:\\x", "n=+C:\\x", "n=%20%20C:\\x", "n=+%2b\\\\evil\\x"}) {
        INFO(form);
        CHECK(stops(form));
    }
    for (const std::string_view form :
         {"", "&&", "a=..&b=/", "a=1+C:/x", "name=Q3..Q4.pptx&from=https%3A%2F%2Fx"}) {
        INFO(form);
        CHECK_FALSE(stops(form));
    }
    CHECK_FALSE(rows.look(policy::in_form, Service::ucwa));
    const policy::ShieldHit hit = rows.give_up(policy::in_form, Service::datacollab);
    CHECK((rows.refuses(hit) && hit.gave_up));
    CHECK_FALSE(rows.give_up(policy::in_form, Service::ucwa));
}
