// JTAG pins over TCP in OpenOCD's remote_bitbang protocol, for one debugger on this machine at a time.
#pragma once

#include <cstdint>
#include <string>

namespace veridian {

struct JtagPins {
    bool tck = false, tms = false, tdi = false;
};

class RemoteBitbang {
public:
    // Listens at 127.0.0.1; port 0 takes a free one. Says where on stderr; ends the process with one line if it cannot.
    explicit RemoteBitbang(uint16_t port);
    ~RemoteBitbang();
    RemoteBitbang(const RemoteBitbang &) = delete;
    RemoteBitbang &operator=(const RemoteBitbang &) = delete;

    // Whether a debugger was ever there. Waits a moment for one, so that the caller can look for Ctrl-C.
    bool met();

    // One clock cycle: TDO as it is in it; what to drive in the next.
    const JtagPins &step(bool tdo);

private:
    void accept_debugger(int wait_milliseconds);
    void receive();
    void answer();
    void hang_up();

    int listener_ = -1, connection_ = -1;
    bool met_ = false;
    JtagPins pins_;
    std::string commands_, answers_;
    std::size_t next_ = 0;
    uint32_t settling_ = 0;  // cycles until TDO shows what the pins did
    uint32_t pause_ = 0;     // cycles until the socket is looked at again
};

}  // namespace veridian
