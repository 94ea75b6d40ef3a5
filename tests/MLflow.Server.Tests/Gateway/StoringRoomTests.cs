using MLflow.Server.Gateway;
using Xunit;

namespace MLflow.Server.Tests.Gateway;

public sealed class StoringRoomTests
{
    [Fact]
    public async Task Room_Taken_IsWaitedForUntilItComesBackOrNobodyWaits()
    {
        var room = new StoringRoom(10);
        room.Take(9);
        room.Wait();
        room.Take(9);
        var waiting = Task.Factory.StartNew(room.Wait, TestContext.Current.CancellationToken, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        room.GiveBack(8);
        Assert.False(waiting.IsCompleted);
        room.GiveBack(1);
        await waiting;

        room.Take(100);
        var last = Task.Factory.StartNew(room.Wait, TestContext.Current.CancellationToken, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        room.Open();
        await last;
        room.Wait();
    }
}
