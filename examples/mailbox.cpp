// SPDX-License-Identifier: GPL-2.0-only
// A mailbox class for C++: its destructor closes it, errors are exceptions, and
// payloads are strings. One thread sends and another receives through one context.
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <future>
#include <iostream>
#include <kevents.h>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <unistd.h>

class Mailbox {
public:
	using milliseconds = std::chrono::milliseconds;

	Mailbox() { check(ke_init(&ctx)); }
	~Mailbox() { ke_close(&ctx); }
	Mailbox(const Mailbox &) = delete;
	Mailbox &operator=(const Mailbox &) = delete;

	void send(int id, std::string_view text)
	{
		check(ke_send_event(&ctx, id, text.data(), text.size()));
	}

	// Returns no value if no event came in time.
	std::optional<std::string> receive(int id, milliseconds timeout)
	{
		std::string text(100, '\0');

		for (;;) {
			ke_event ev{};
			ev.data = text.data();
			ev.size = text.size();
			int err = ke_receive(&ctx, id, &ev, 0, static_cast<int>(timeout.count()));
			if (err == -ETIMEDOUT)
				return std::nullopt;
			if (err != -EMSGSIZE)
				check(err);
			text.resize(ev.len);
			if (err == 0)
				return text;
		}
	}

private:
	kevents_ctx ctx;

	static void check(int err)
	{
		if (err < 0)
			throw std::system_error(-err, std::generic_category(), ke_strerror(err));
	}
};

int main()
try {
	const int id = getpid();	// an ID that no one else has
	Mailbox mailbox;
	auto sender = std::async(std::launch::async, [&] {
		for (const char *word : { "one", "two", "three" })
			mailbox.send(id, word);
		mailbox.send(id, std::string(1000, '.'));
	});

	while (auto text = mailbox.receive(id, Mailbox::milliseconds(500)))
		std::cout << text->size() << " bytes: " << text->substr(0, 10) << '\n';
	sender.get();
} catch (const std::exception &e) {
	std::cerr << e.what() << '\n';
	return EXIT_FAILURE;
}
