"""What the commands do, without click: one function per command, in rooms by what it works on."""
