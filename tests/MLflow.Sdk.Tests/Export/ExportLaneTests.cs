using MLflow.Tests.Spans;
using Xunit;

namespace MLflow.Tests.Export;

public sealed class ExportLaneTests : SpanTestBase
{
    private readonly ExportLane _lane;
    private long _sequence;

    public ExportLaneTests()
    {
        var address = new Uri("http://localhost:5000");
        var http = new TrackingHttp(new HttpClient(), address, TimeProvider.System);
        _lane = new ExportLane(new TraceDestination(address, null, "0"), new TrackingServer(http, new RetryPolicy(TimeProvider.System, () => 0)));
    }

    [Fact]
    public void NextBatch_ManySpans_StopsAtTheLimit()
    {
        for (var i = 0; i < ExportLane.MaxBatchSpans + 1; i++)
        {
            Add();
        }

        Assert.True(_lane.IsFull);
        Assert.Equal(ExportLane.MaxBatchSpans, _lane.NextBatch().Count);
    }

    [Fact]
    public void NextBatch_OneExportGoesAlone_IsNeitherJoinedNorJoins()
    {
        Add();
        var alone = Add();
        Add();
        alone.GoesAlone = true;

        var first = _lane.NextBatch();
        Assert.Equal(1, Assert.Single(first).Sequence);
        _lane.Remove(first[0]);
        Assert.Same(alone, Assert.Single(_lane.NextBatch()));
    }

    [Fact]
    public void NextBatch_WholeTracesOfSeveralParts_HasSoManyTracesHoweverManyParts()
    {
        var workspace = new DatabricksWorkspaces(TrackingTransport.Read(_ => null), TimeProvider.System, new DatabricksOptions { Host = "https://workspace.example", Token = "t" });
        var address = workspace.Add("databricks");
        var lane = new ExportLane(new TraceDestination(address, null, "1"), new TrackingServer(workspace.Find(address)!, new RetryPolicy(TimeProvider.System, () => 0)));
        for (var i = 0; i < ExportLane.MaxBatchTraces + 1; i++)
        {
            var span = Some.EndedSpan(Tracer);
            for (var part = 0; part < 3; part++)
            {
                lane.Add(new QueuedExport(new TraceExport(span.Trace, [span], IsComplete: part == 2), Some.Encoded(span), ++_sequence), 0);
            }
        }

        var batch = lane.NextBatch();

        Assert.Equal(ExportLane.MaxBatchTraces, batch.Select(export => export.Progress).Distinct().Count());
        Assert.Equal(ExportLane.MaxBatchTraces * 3, batch.Count);
    }

    [Fact]
    public void Remove_Twice_CountsOnce()
    {
        var export = Add();
        _lane.Remove(export);
        _lane.Remove(export);
        Assert.True(_lane.IsEmpty);
        Assert.False(_lane.IsFull);
    }

    private QueuedExport Add()
    {
        var span = Some.EndedSpan(Tracer);
        var export = new QueuedExport(new TraceExport(span.Trace, [span], IsComplete: true), Some.Encoded(span), ++_sequence);
        _lane.Add(export, 0);
        return export;
    }
}
