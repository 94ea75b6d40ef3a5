using Xunit;

namespace MLflow.EndToEnd.Tests.Client;

public sealed class StoredTraceTests : ClientTestBase
{
    [Fact]
    public async Task Search_FilterOverTracesAndSpans_FindsThemWithTheirSpans()
    {
        var failed = Trace("lookup", SpanType.Tool, new TimeoutException("too slow"));
        Trace("lookup", SpanType.Tool);
        Trace("answer", SpanType.Agent, new TimeoutException("also"));
        await Client.FlushAsync(Token);

        var found = Assert.Single(await Client.SearchTracesAsync("trace.status = 'ERROR' AND span.type = 'TOOL'", cancellationToken: Token).ToListAsync(Token));

        Assert.Equal((failed, "ERROR"), (found.TraceId, found.State));
        var span = Assert.Single(found.Spans);
        Assert.Equal(("lookup", SpanType.Tool), (span.Name, span.SpanType));
        Assert.Equal("too slow", span.Events.Single().Attributes["exception.message"].GetString());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Search_PageByPage_GivesEachTraceOnceInOrder(bool includeSpans)
    {
        var traces = Enumerable.Range(0, 23).Select(i => Trace($"t{i:00}")).ToList();
        await Client.FlushAsync(Token);

        var options = new TraceSearchOptions { OrderBy = { "name ASC" }, PageSize = 5, IncludeSpans = includeSpans };
        var found = await Client.SearchTracesAsync(options: options, cancellationToken: Token).ToListAsync(Token);

        Assert.Equal(traces, found.Select(trace => trace.TraceId));
        Assert.All(found, trace => Assert.Equal(includeSpans ? 1 : 0, trace.Spans.Count));
    }

    [Fact]
    public async Task Search_OtherExperiments_ByNameOrId()
    {
        var id = await Client.CreateExperimentAsync("theirs", cancellationToken: Token);
        await using var other = new MlflowClient(new MlflowClientOptions { TrackingUri = Address, Experiment = "theirs" });
        other.StartSpan("x").Dispose();
        await other.FlushAsync(Token);

        Assert.Empty(await Client.SearchTracesAsync(cancellationToken: Token).ToListAsync(Token));
        var byName = await Client.SearchTracesAsync(options: new TraceSearchOptions { Experiments = { "theirs" } }, cancellationToken: Token).SingleAsync(Token);
        var byId = await Client.SearchTracesAsync(options: new TraceSearchOptions { ExperimentIds = { id } }, cancellationToken: Token).SingleAsync(Token);

        Assert.Equal((id, byName.TraceId), (byId.ExperimentId, byId.TraceId));
    }

    [Fact]
    public async Task Search_WrongFilter_SaysWhatTheServerSays()
    {
        await Client.SetExperimentAsync("mine", Token);

        var e = await Assert.ThrowsAsync<MlflowException>(async () => await Client.SearchTracesAsync("state = 'OK'", cancellationToken: Token).FirstAsync(Token));

        Assert.Equal(MlflowErrorCode.InvalidParameterValue, e.ErrorCode);
        Assert.StartsWith("Invalid attribute key 'state' specified.", e.ServerMessage, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Get_TraceThatHasJustEnded_IsSentFirst()
    {
        var id = Trace();

        Assert.Equal("work", Assert.Single((await Client.GetTraceAsync(id, Token)).Spans).Name);
    }

    [Fact]
    public async Task Tags_OfATraceThatHasJustEnded_AreSetAndDeleted()
    {
        var id = Trace();

        await Client.SetTraceTagAsync(id, "tier", "gold 東京", Token);
        Assert.Equal("gold 東京", (await Client.GetTraceAsync(id, Token)).Tags["tier"]);

        await Client.DeleteTraceTagAsync(id, "tier", Token);
        Assert.DoesNotContain("tier", (await Client.GetTraceAsync(id, Token)).Tags.Keys);
        var e = await Assert.ThrowsAsync<MlflowException>(() => Client.DeleteTraceTagAsync(id, "tier", Token));
        Assert.Equal((MlflowErrorCode.ResourceDoesNotExist, $"No trace tag with key 'tier' for trace with ID '{id}'"), (e.ErrorCode, e.ServerMessage));
    }

    [Fact]
    public async Task Delete_ById_LeavesTheOthers()
    {
        string[] ids = [Trace(), Trace(), Trace()];
        await Client.FlushAsync(Token);
        var experiment = (await Client.GetTraceAsync(ids[0], Token)).ExperimentId!;

        Assert.Equal(2, await Client.DeleteTracesAsync(experiment, [ids[0], ids[2], "tr-nope"], Token));

        Assert.Equal(ids[1], (await Client.SearchTracesAsync(cancellationToken: Token).SingleAsync(Token)).TraceId);
        Assert.Equal(ids[0], (await Assert.ThrowsAsync<TraceNotFoundException>(() => Client.GetTraceAsync(ids[0], Token))).TraceId);
    }

    [Fact]
    public async Task Delete_UntilATime_TakesTheOldestFirst()
    {
        for (var i = 0; i < 3; i++)
        {
            Trace();
        }

        await Client.FlushAsync(Token);
        var experiment = (await Client.GetExperimentByNameAsync("mine", Token))!.ExperimentId;

        Assert.Equal(0, await Client.DeleteTracesUntilAsync(experiment, DateTimeOffset.UnixEpoch, cancellationToken: Token));
        Assert.Equal(1, await Client.DeleteTracesUntilAsync(experiment, DateTimeOffset.UtcNow.AddMinutes(1), maxTraces: 1, Token));
        Assert.Equal(2, (await Client.SearchTracesAsync(cancellationToken: Token).ToListAsync(Token)).Count);
        Assert.Equal(2, await Client.DeleteTracesUntilAsync(experiment, DateTimeOffset.UtcNow.AddMinutes(1), cancellationToken: Token));
        Assert.Empty(await Client.SearchTracesAsync(cancellationToken: Token).ToListAsync(Token));
    }
}
