using MLflow.Server.Pricing;
using MLflow.Server.Storage.Postgres;
using MLflow.Server.Traces;
using Xunit;
using static MLflow.Server.Tests.Storage.SomeTrace;

namespace MLflow.Server.Tests.Storage.Postgres;

public sealed class PostgresDiskFullTests(PostgresCluster cluster)
{
    private const int DiskMegabytes = 32;
    private const int BallastBytes = 6 * 1024 * 1024;
    private const int ContentCharacters = 200_000;

    /// <summary>More than the disk has room for.</summary>
    private const int MaxTraces = 400;

    private static CancellationToken Cancellation => Xunit.TestContext.Current.CancellationToken;

    [Fact]
    public async Task Write_WhereTheDiskIsFull_IsRefusedWhole_AndStoredWhenThereIsRoomAgain()
    {
        PostgresCluster.SkipWhereMissing();
        using var disk = new SmallDisk(DiskMegabytes);
        var uri = await cluster.CreateDatabaseAsync(isEmpty: true);
        var name = uri[(uri.LastIndexOf('/') + 1)..];
        await cluster.ExecuteAsync("postgres", $"CREATE TABLESPACE small_{name} LOCATION '{disk.Tablespace}'");
        await cluster.ExecuteAsync("postgres", $"ALTER DATABASE {name} SET TABLESPACE small_{name}");
        disk.TakeRoom(BallastBytes);
        await using (var database = await PostgresDatabase.OpenAsync(uri, TimeProvider.System, null, Cancellation))
        {
            var store = database.Traces(new CallPricer(PriceTable.Shipped));
            var stored = new List<SpanRecord>();
            SpanRecord? refused = null;
            while (refused is null && stored.Count < MaxTraces)
            {
                var span = Large();
                try
                {
                    await store.WriteAsync(Batch(span), Cancellation);
                    stored.Add(span);
                }
                catch (MlflowException e)
                {
                    Assert.Equal(ErrorCode.TEMPORARILY_UNAVAILABLE, e.ErrorCode);
                    Assert.Contains("No space left", e.Message, StringComparison.Ordinal);
                    refused = span;
                }
            }

            Assert.NotNull(refused);
            Assert.NotEmpty(stored);

            // Reading may fail, too, until there is room: a new session writes a file of its own.
            disk.GiveRoom();
            Assert.Empty(await store.GetInfosAsync([refused.TraceId], Cancellation));
            Assert.Empty(await store.GetSpansAsync(refused.TraceId, Cancellation));
            await store.WriteAsync(Batch(refused), Cancellation);

            foreach (var span in stored.Append(refused))
            {
                Assert.Equal(span.Attributes, Assert.Single(await store.GetSpansAsync(span.TraceId, Cancellation)).Attributes);
            }
        }

        await cluster.ExecuteAsync("postgres", $"DROP DATABASE {name} WITH (FORCE)");
        await cluster.ExecuteAsync("postgres", $"DROP TABLESPACE small_{name}");
    }

    /// <summary>A span that compression does not make small.</summary>
    private static SpanRecord Large()
    {
        var bytes = new byte[ContentCharacters / 2];
        Random.Shared.NextBytes(bytes);
        return Span(NewOtelId(), 1, attributes: [("mlflow.spanInputs", $"\"{Convert.ToHexStringLower(bytes)}\"")]);
    }
}
