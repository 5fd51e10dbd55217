// The doors: which requests sign somebody in, by which door, and where the account's name stands.

#include "catch.h"
#include "policy/challenges.h"
#include "policy/sign_in.h"
#include "policy_sites.h"
#include "table.h"

#include <algorithm>
#include <string>

using namespace lync;
using namespace lync::policy;
using lync::testing::rows;

namespace {

/// "windows ntlm TlRM", "password certificate text ken"; "" for no credential.
std::string doors_of(const SignIn& sign_in) {
    static constexpr std::array forms{"", "ntlm ", "basic ", "field ", "text "};
    std::string text;
    for (const Door door : doors) {
        if ((sign_in.doors & bit(door)) != 0) {
            text += std::string(door_name(door)) + " ";
        }
    }
    text += forms[static_cast<std::size_t>(sign_in.form)];
    text += sign_in.account;
    return text.substr(0, text.find_last_not_of(' ') + 1);
}

SignInText post(SignInBody kind, std::string_view body, std::string_view query = {}) {
    return {.kind = kind, .posts = true, .query = query, .body = body};
}

} // namespace

TEST_CASE("sign_in: the Authorization field", "[policy][sign_in]") {
    for (const auto& [field, expected] : rows(R"(
                                   |
        NTLM TlRMTVNTUAAD          | windows ntlm TlRMTVNTUAAD
        nEgOtIaTe YII=             | windows ntlm YII=
        Negotiate                  |            # asks for a challenge
        \x09NTLM\x09TlRM           | windows ntlm TlRM
        Basic a2VuOng=             | windows basic a2VuOng=
        BASIC   a2VuOng=           | windows basic a2VuOng=
        Digest username="ken"      | windows ntlm username="ken"
        Nego2 x                    | windows ntlm x
        NTLM,Bearer x              | windows ntlm ,Bearer x
        \x0bNTLM x                 | windows ntlm \x0bNTLM x
        "NTLM" x                   | windows ntlm "NTLM" x
        Bearer eyJ0eXAi            | oauth
        bearer                     |
        Basic                      |
        Bearers x                  | windows ntlm x
        Bearer cwt=AAEB            |            # a ticket of the pool's own
        BEARER  CWT=AAEB           |
        Bearer xcwt=AAEB           | oauth
    )")) {
        INFO(field);
        CHECK(doors_of(sign_in_of_header(field)) == expected);
    }
}

TEST_CASE("sign_in: forms to the token endpoint", "[policy][sign_in]") {
    for (const auto& [form, expected] : rows(R"(
        grant_type=password&username=ken%40contoso.com&password=x | password field ken%40contoso.com
        password=x&username=ken&grant_type=password            | password field ken
        GRANT_TYPE=Password&UserName=ken                       | password field ken
        grant%5ftype=%70assword&username=ken                   | password field ken
        grant%u005ftype=password&username=ken                  | password field ken
        grant_type=urn:microsoft.rtc:passive&grant_type=password&username=ken | password oauth
        grant_type=password&username=ken&Grant_Type=urn:microsoft.rtc:anonmeeting | password
        grant_type=+password&username=ken                      | password field ken
        grant_type=password&username=a&username=b              | password
        grant_type=password                                    | password
        grant_type=urn:microsoft.rtc:windows                   |
        grant_type=urn%3amicrosoft.rtc%3Aanonmeeting&password=5LB7MRBC |
        grant_type=urn:microsoft.rtc:passive                   | oauth
        grant_type=urn:ietf:params:oauth:grant-type:jwt-bearer | oauth
        grant_type=                                            |
        username=ken&password=x                                |
        xgrant_type=password                                   |
        <=1&grant_type=password&username=ken                   | password field ken
        <&grant_type=urn:microsoft.rtc:passive                 | oauth
    )")) {
        INFO(form);
        CHECK(doors_of(sign_in_of_text(post(SignInBody::token, form))) == expected);
        const SignIn queried = sign_in_of_text({.kind = SignInBody::token, .query = form});
        CHECK(queried.doors == sign_in_of_text(post(SignInBody::token, form)).doors);
        CHECK(queried.form == AccountForm::none);
        CHECK(doors_of(sign_in_of_text(post(SignInBody::none, form, form))).empty());
    }
    // a long value is none of the product's, and can't be distinguished from one with a password in
    // it
    const std::string padded = "grant_type=" + std::string(600, '+') + "password";
    CHECK(doors_of(sign_in_of_text(post(SignInBody::token, padded))) == "password");
    // one place must not hide what another says
    CHECK(doors_of(sign_in_of_text(post(SignInBody::token, "grant_type=password&username=ken",
                                        "grant_type=urn:microsoft.rtc:passive"))) ==
          "password oauth");
    // a server that looks at the body alone lets a guest in, which says nothing about ken
    CHECK(
        doors_of(sign_in_of_text(post(SignInBody::token, "grant_type=urn:microsoft.rtc:anonmeeting",
                                      "grant_type=password&username=ken"))) == "password");
    CHECK(doors_of(sign_in_of_text(post(SignInBody::token, "grant_type=password&username=ken",
                                        "grant_type=password&username=kay"))) == "password");
}

TEST_CASE("sign_in: messages to the web ticket service", "[policy][sign_in]") {
    for (const auto& [xml, expected] : rows(R"(
        <s:Envelope><wsse:UsernameToken><wsse:Username>contoso\ken</wsse:Username><wsse:Password>x | password text contoso\ken
        \xef\xbb\xbf<?xml version="1.0"?> // <UsernameToken a="b"><Username>  ken </Username> | password text ken
          <o:UsernameToken u:Id="1" // ><o:Username u:x="y">k&#101;n</o:Username>     | password text k&#101;n
        <UsernameToken/>                                                             | password
        <UsernameToken><Username>ken<!-- x --></Username>                            | password
        <UsernameToken><Username><![CDATA[ken]]></Username>                          | password
        <UsernameToken><Username>ken</Username><Username>kay</Username>              | password
        <UsernameToken><Username>ken                                                 | password
        <UsernameTokens/><xUsernameToken/><usernametoken/></UsernameToken>           |
        <BinarySecurityToken ValueType="http://x#X509v3">MII</BinarySecurityToken>   | certificate
        <BinarySecurityToken ValueType="urn:ietf:params:oauth:jwt">e</BinarySecurityToken> | oauth
        <saml:Assertion><ds:X509Data/></saml:Assertion>                              | oauth
        <e:EncryptedData/>                                                           | oauth
        <b:BinarySecurityToken V="#X509v3"/><saml:Assertion/>                        | certificate oauth
        <saml:Assertion/><UsernameToken/><Username>ken</Username>                    | password oauth
        <RequestSecurityToken><Claims/></RequestSecurityToken>                       |
        <UsernameToken><Username Id=">1">ken</Username>                              | password
        <!--x509v3--><BinarySecurityToken ValueType="urn:liveid">e</BinarySecurityToken> | oauth
        <BinarySecurityToken ValueType="x#X509&#118;3">e</BinarySecurityToken>       | certificate oauth
    )")) {
        INFO(xml);
        CHECK(doors_of(sign_in_of_text(post(SignInBody::token, xml))) == expected);
    }
}

TEST_CASE("sign_in: forms of pages", "[policy][sign_in]") {
    for (const auto& [form, expected] : rows(R"(
        user=contoso%5cken&password=x                          | password field contoso%5cken
        ctl00%24Body%24txtUserName=ken&ctl00$Body$txtPassword=x | password field ken
        destination=https%3a%2f%2fx&flags=4&username=ken&passwordText=&password=x | password field ken
        p%61ssword=x                                           | password
        strPwd=x&login=ken                                     | password field ken
        password=                                              |
        wa=wsignin1.0&wresult=%3ct:RequestSecurityToken        | oauth
        wresult=x&password=x&username=ken                      | password oauth
        __VIEWSTATE=password&subject=the+password              |
        {"userName":"ken","password" : "x"}                    | password
        {"subject":"the password: none"}                       |
        {"p\u0061ssword":"x"}                                  | password
        {"passw\"u006frd":"x"}                                 | password
        {"username":"a","password":"b","x":"&wresult=1"}       | password oauth
        Login1$UserName=ken&Login1$Password=x&Login1$LoginButton=Log+In | password field ken
    )")) {
        INFO(form);
        CHECK(doors_of(sign_in_of_text(post(SignInBody::page, form))) == expected);
    }
    std::string containers; // "ctl00$", of which there may be many, as long as it can be written
    for (int i = 0; i < 16; i++) {
        containers += "%u0063%u0074%u006c%u0030%u0030%u0024";
    }
    CHECK(doors_of(sign_in_of_text(post(SignInBody::page, containers + "txtPassword=x&" +
                                                              containers + "txtUserName=ken"))) ==
          "password field ken");
}

TEST_CASE("sign_in: what can't be read is taken for each that it could be", "[policy][sign_in]") {
    using namespace std::string_view_literals;
    for (const SignInBody kind : {SignInBody::page, SignInBody::token}) {
        const std::string all =
            kind == SignInBody::page ? "password oauth" : "password certificate oauth";
        CHECK(needs_body(kind));
        CHECK(doors_of(sign_in_of_text(post(kind, "<\0U\0"sv))) == all); // UTF-16
        CHECK(doors_of(sign_in_of_text(post(kind, "\x1f\x8b"))) == all); // gzip
        SignInText text = post(kind, "--x\r\n");
        CHECK(doors_of(sign_in_of_text(text)).empty());
        text.content_type = "Multipart/form-data; boundary=x";
        CHECK(doors_of(sign_in_of_text(text)) == all);
        text.content_type = {};
        text.readable = false;
        CHECK(doors_of(sign_in_of_text(text)) == all);
        text.posts = false;
        CHECK(doors_of(sign_in_of_text(text)).empty());
    }
    CHECK(doors_of(sign_in_of_text(post(SignInBody::certprov, ""))) == "certificate");
    CHECK(doors_of(sign_in_of_text({.kind = SignInBody::certprov})).empty());
    CHECK(doors_of(sign_in_of_text({.kind = SignInBody::federated})) == "oauth");
    CHECK_FALSE(needs_body(SignInBody::certprov));
}

TEST_CASE("sign_in: paths that take a credential beside the header", "[policy][sign_in]") {
    using namespace policy_sites;
    const Site web(pool());
    const Site shared(shared_host());
    const Site mail(exchange({Service::owa, Service::ews, Service::exchange_admin}));
    const auto kind = [](const Site& site, std::string_view method, std::string_view target) {
        return judge(site, method, target).sign_in;
    };
    for (const char* path : {"/webticket/oauthtoken", "/WebTicket/WebTicketService.svc/Auth",
                             "/%77ebticket/x", "/webticket/x%2e", "//webticket/x"}) {
        CHECK(kind(web, "POST", path) == SignInBody::token);
    }
    for (const char* path : {"/dialin", "/Dialin/Conference.aspx", "/scheduler/x", "/meet/x"}) {
        CHECK(kind(web, "POST", path) == SignInBody::page);
    }
    CHECK(kind(shared, "POST", "/Dialin/x") == SignInBody::page);
    CHECK(kind(Site(meet_host()), "POST", "/kenmyer/ABC") == SignInBody::page);
    CHECK(kind(web, "POST", "/CertProv/CertProvisioningService.svc") == SignInBody::certprov);
    CHECK(kind(Site(pool(false)), "GET", "/passiveauth/x") == SignInBody::federated);
    // attachments mustn't be held up
    CHECK(kind(mail, "POST", "/owa/service.svc") == SignInBody::none);
    for (const char* path :
         {"/owa/auth.owa", "/owa", "/owa/", "/OWA/Auth%2eowa", "/owa/x%252fauth.owa",
          "/ecp/auth.owa", "/ecp/owa/auth.owa", "/owa/auth/owaauth.dll",
          "/owa/auth/ExpiredPassword.aspx", "/owa/auth/exppw.dll"}) {
        CHECK(kind(mail, "POST", path) == SignInBody::page);
    }
    CHECK(kind(mail, "POST", "/ews/exchange.asmx") == SignInBody::none);
    CHECK(kind(web, "POST", "/ucwa/v1/applications") == SignInBody::none);
    CHECK(kind(web, "POST", "/passiveauth/x") == SignInBody::none); // refused
}

TEST_CASE("sign_in: sets of doors", "[policy][sign_in]") {
    CHECK(bit(Door::none) == no_door);
    CHECK(first_of(no_door) == Door::none);
    CHECK(first_of(bit(Door::oauth) | bit(Door::password)) == Door::password);
    Doors all = no_door;
    for (const Door door : doors) {
        all |= bit(door);
        CHECK(first_of(bit(door)) == door);
    }
    CHECK(all == all_doors);
}

TEST_CASE("sign_in: challenges of open doors", "[policy][sign_in]") {
    const auto kept = [](std::string_view field, Doors open) {
        std::string out(field.size(), '\0');
        out.resize(keep_open(field, open, out.data()));
        return out;
    };
    for (const auto& [door, field, expected] : rows<3>(R"(
        windows  | NTLM                                   |
        windows  | ntlm                                   |
        windows  | Negotiate oYG2MIGz==                   |
        windows  | Basic realm="a, NTLM"                  |
        windows  | Digest realm="x", qop="auth,auth-int", nonce=abc= |
        windows  | Negotiate, NTLM                        |
        windows  | Negotiate,Bearer realm="a, b" , x="\",NTLM",NTLM | Bearer realm="a, b", x="\",NTLM"
        windows  | Bearer                                 | Bearer
        windows  | Bearer realm = "x" , Basic realm = "y" | Bearer realm = "x"
        windows  | X-Unknown a                            |
        oauth    | Bearer client_id="0", trusted_issuers="a@*, b", Basic realm="x" | Basic realm="x"
        oauth    | NTLM                                   | NTLM
        oauth    | Basic realm="Bearer"                   | Basic realm="Bearer"
        password | Negotiate, NTLM, Bearer x              | Negotiate, NTLM, Bearer x
        windows  | MsRtcOAuth href="https://x/y",grant_type="urn:microsoft.rtc:windows,urn:microsoft.rtc:anonmeeting,password" | MsRtcOAuth href="https://x/y", grant_type="urn:microsoft.rtc:anonmeeting,password"
        password | MsRtcOAuth href="x", grant_type="urn:microsoft.rtc:windows, password" | MsRtcOAuth href="x", grant_type="urn:microsoft.rtc:windows"
        password | msrtcoauth grant_type=password, href="x", NTLM | NTLM
        oauth    | MsRtcOAuth grant_type="urn:microsoft.rtc:passive",href="x" |
        windows  | ,, ,                                   |
        windows  | "                                      |
    )")) {
        INFO(field);
        const auto* shut =
            std::find_if(doors.begin(), doors.end(), [&](Door d) { return door_name(d) == door; });
        CHECK(kept(field, all_doors & ~bit(*shut)) == expected);
    }
}
