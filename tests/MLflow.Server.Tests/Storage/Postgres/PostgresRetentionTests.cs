using MLflow.Server.Storage;
using MLflow.Server.Storage.Postgres;
using MLflow.Server.Traces.Retention;
using Xunit;

namespace MLflow.Server.Tests.Storage.Postgres;

public sealed class PostgresRetentionTests(PostgresCluster cluster) : RetentionConformance
{
    private string? _uri;

    private protected override async Task<IDatabase> OpenAsync(SpanBlobs blobs)
    {
        _uri = await cluster.CreateDatabaseAsync();
        return await PostgresDatabase.OpenAsync(_uri, Clock, null, Cancellation, blobs: blobs);
    }

    [Fact]
    public async Task Expect_PoliciesOfExperiments_BecomeTheBucketsOfTheirTraces()
    {
        var week = await ExperimentAsync((RetentionPolicy.DaysTag, "7"));
        var archived = await ExperimentAsync((RetentionPolicy.ActionTag, "archive"));
        var forever = await ExperimentAsync((RetentionPolicy.DaysTag, "forever"));
        await Retention(new(30, RetentionAction.Delete)).ExpectAsync(Cancellation);
        var later = await ExperimentAsync();
        foreach (var experimentId in (long[])[0, week, archived, forever, later])
        {
            await WriteAsync(experimentId);
        }

        var today = DateOnly.FromDateTime(Clock.GetUtcNow().UtcDateTime);
        var eternal = TraceBucket.For(Clock.GetUtcNow(), null);
        DateOnly[] expected = [today.AddDays(30), today.AddDays(7), eternal, eternal, today.AddDays(30)];
        Assert.Equal(string.Join(' ', expected.Select(day => $"{day:yyyy-MM-dd}")), await PostgresCluster.ScalarAsync(_uri!, "SELECT string_agg(bucket::text, ' ' ORDER BY experiment_id) FROM traces"));
    }

    protected override Task ForgetRetentionAsync() => PostgresCluster.ScalarAsync(_uri!, "DELETE FROM retention");

    protected override Task CloseAsync() => cluster.ReturnAsync(_uri!);
}
