using MLflow.Server.Storage;
using Xunit;

namespace MLflow.Server.Tests.Storage;

/// <summary>What every <see cref="IGatewayStore"/> must do.</summary>
public abstract class GatewayStoreConformance : DatabaseConformance
{
    private const long Hour = 3_600_000;

    private protected IGatewayStore Store => field ??= Database.Gateway();

    [Fact]
    public async Task Documents_WrittenAndDeleted_AreThereOrNot()
    {
        var empty = Store.Read();
        Assert.True(await Store.TryWriteAsync(empty.Version, [new("b", "k", """{"x":"東\u0000京"}"""), new("a", "k", "{}")], [], Token));
        Assert.True(await Store.TryWriteAsync(Store.GetVersion(), [new("a", "other", "[]")], ["b"], Token));

        Assert.Empty(empty.All);
        Assert.Equal([new GatewayDocument("a", "other", "[]")], Store.Read().All);
        Assert.Equal(empty.Version + 2, Store.Read().Version);
    }

    [Fact]
    public async Task Change_OfWhatHasChangedSince_WritesNothing()
    {
        var before = Store.GetVersion();
        Assert.True(await Store.TryWriteAsync(before, [new("a", "k", "1")], [], Token));

        Assert.False(await Store.TryWriteAsync(before, [new("a", "k", "2"), new("b", "k", "2")], [], Token));
        Assert.False(await Store.TryWriteAsync(before, [], ["a"], Token));

        Assert.Equal([new GatewayDocument("a", "k", "1")], Store.Read().All);
    }

    [Fact]
    public async Task Changes_OfManyAtOnce_AreDoneOneByOne()
    {
        const int Writers = 8;
        await Task.WhenAll(Enumerable.Range(0, Writers).Select(writer => Task.Run(async () =>
        {
            while (true)
            {
                var documents = Store.Read();
                var count = int.Parse(documents.All is [var first, ..] ? first.Body : "0", System.Globalization.CultureInfo.InvariantCulture);
                if (await Store.TryWriteAsync(documents.Version, [new("count", "k", $"{count + 1}")], [], Token))
                {
                    return;
                }
            }
        })));

        Assert.Equal($"{Writers}", Store.Read().All.Single().Body);
    }

    [Fact]
    public async Task Documents_OfAnotherServer_AreSeen()
    {
        await using var other = await OpenAsync();
        await other.Gateway().TryWriteAsync(0, [new("a", "k", "{}")], [], Token);

        Assert.Equal(1, Store.GetVersion());
        Assert.Single(Store.Read().All);
    }

    [Fact]
    public async Task Usage_OfCalls_IsAddedUp()
    {
        await Store.AddUsageAsync(new GatewayUsage(Hour, "e", "ada", 1, 0, 10, 20, 5_000_000_000), Token);
        await Store.AddUsageAsync(new GatewayUsage(Hour, "e", "ada", 1, 1, 1, 2, 3), Token);
        await Store.AddUsageAsync(new GatewayUsage(2 * Hour, "e", "bob", 1, 0, 1, 1, 100), Token);
        await Store.AddUsageAsync(new GatewayUsage(2 * Hour, "f", "ada", 1, 0, 1, 1, 1000), Token);

        Assert.Equal(5_000_001_103, Store.GetSpend(0, null, null));
        Assert.Equal(1100, Store.GetSpend(2 * Hour, null, null));
        Assert.Equal(5_000_000_103, Store.GetSpend(0, "e", null));
        Assert.Equal(5_000_001_003, Store.GetSpend(0, null, "ada"));
        Assert.Equal(5_000_000_003, Store.GetSpend(0, "e", "ada"));
        Assert.Equal(0, Store.GetSpend(3 * Hour, null, null));
        Assert.Equal((3, 1, 2, 0), (Store.GetCalls(0, "e", null), Store.GetCalls(2 * Hour, "e", null), Store.GetCalls(0, "e", "ada"), Store.GetCalls(0, "g", null)));
        Assert.Equal(new GatewayUsage(Hour, "e", "ada", 2, 1, 11, 22, 5_000_000_003), Store.ListUsage(0)[0]);
        Assert.Equal(3, Store.ListUsage(0).Count);
    }
}
