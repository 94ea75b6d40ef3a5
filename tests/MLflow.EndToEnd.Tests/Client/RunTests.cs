using Xunit;

namespace MLflow.EndToEnd.Tests.Client;

public sealed class RunTests : ClientTestBase
{
    [Fact]
    public async Task Run_MadeInOrLinkedTo_FindsItsTraces()
    {
        string made;
        using (Client.UseRun("d314"))
        {
            made = Trace("a");
        }

        var linked = Trace("b");
        Trace();

        await Client.LinkTracesToRunAsync([linked], "d314", Token);

        var found = await Client.SearchTracesAsync(options: new TraceSearchOptions { RunId = "d314", OrderBy = { "name ASC" } }, cancellationToken: Token).ToListAsync(Token);
        Assert.Equal([made, linked], found.Select(trace => trace.TraceId));
        Assert.Equal("d314", found[0].Metadata["mlflow.sourceRun"]);
    }

    [Fact]
    public async Task UpdateCurrentTrace_WhatTheProgramSays_IsStored()
    {
        using (var span = Client.StartSpan("work"))
        {
            span.SetInputs("in");
            span.SetOutputs("out");
            Client.UpdateCurrentTrace(new TraceUpdate { ClientRequestId = "r-9", RequestPreview = "asked", State = SpanStatusCode.Error, Session = "s-1", User = "u-7", Tags = { ["tier"] = "gold" } });
        }

        await Client.FlushAsync(Token);
        var trace = await Client.SearchTracesAsync("client_request_id = 'r-9' AND status = 'ERROR'", cancellationToken: Token).SingleAsync(Token);

        Assert.Equal(("asked", "\"out\"", "gold"), (trace.RequestPreview, trace.ResponsePreview, trace.Tags["tier"]));
    }

    [Fact]
    public async Task UseExperiment_ParallelTests_SeeTheirOwnTraces()
    {
        var counts = await Task.WhenAll(Enumerable.Range(0, 4).Select(i => Task.Run(async () =>
        {
            using var scope = Client.UseExperiment($"flow {i}");
            for (var n = 0; n <= i; n++)
            {
                Trace($"t{i}");
            }

            await Client.FlushAsync(Token);
            var traces = await Client.SearchTracesAsync(cancellationToken: Token).ToListAsync(Token);
            Assert.All(traces, trace => Assert.Equal($"t{i}", trace.Tags["mlflow.traceName"]));
            return traces.Count;
        }, Token)));

        Assert.Equal([1, 2, 3, 4], counts);
    }
}
