"""The users of this edge, and the rooms that they are in."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping

from app.delivery import keys
from app.delivery.view import View
from web.hub.room import Room, Subscriber, User


class Registry:
    """The users and the rooms of an edge, kept a while after the last subscriber has gone."""

    def __init__(self, view: View) -> None:
        self.rooms: dict[str, Room] = {}
        self.users: dict[str, User] = {}
        #: Users without a subscriber, by when the last one left; the first to be dropped first.
        self.idle: dict[User, float] = {}
        #: The rooms by their channels in Valkey.
        self.by_channel: dict[bytes, Room] = {}
        self._view = view

    def user(self, name: str) -> User:
        """The user of this name, added where they are new here."""
        user = self.users.get(name)
        if user is None:
            user = self.users[name] = User(name)
            self.idle[user] = asyncio.get_running_loop().time()
        return user

    def attach(self, subscriber: Subscriber) -> None:
        """Count the subscriber as one of its user's."""
        user = subscriber.user
        self.users[user.name] = user
        user.subscribers.append(subscriber)
        self.idle.pop(user, None)
        user.changed()

    def detach(self, subscriber: Subscriber) -> None:
        """Remove the subscriber. Its rooms stay subscribed for a while, in case it comes back."""
        user = subscriber.user
        if subscriber in user.subscribers:
            user.subscribers.remove(subscriber)
            user.changed()
            if not user.subscribers:
                self.idle[user] = asyncio.get_running_loop().time()

    def follow(self, user: User, rooms: Mapping[str, int]) -> None:
        """Let the events of the rooms go to the user, each from its `n` on."""
        for name, n in rooms.items():
            room = self.rooms.get(name) or self._new_room(name)
            user.rooms[room] = n
            room.add(user)

    def drop(self, users: Iterable[User]) -> list[bytes]:
        """Forget these users, who have no subscribers; the channels that are needed no more."""
        channels = []
        for user in users:
            self.idle.pop(user, None)
            self.users.pop(user.name, None)
            channels.append(keys.user(user.name).encode())
            user.settled = False
            for room in tuple(user.rooms):
                channels += self.part(user, room)
        return channels

    def part(self, user: User, room: Room) -> list[bytes]:
        """Let the room go to the user no longer; its channel, where no user here is left in it."""
        user.rooms.pop(room, None)
        room.discard(user)
        if room.users or self.rooms.get(room.name) is not room:
            return []
        del self.rooms[room.name], self.by_channel[room.channel]
        return [room.channel]

    def _new_room(self, name: str) -> Room:
        room = self.rooms[name] = Room(name, self._view.partition(name))
        self.by_channel[room.channel] = room
        return room
