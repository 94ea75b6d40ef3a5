using System.Diagnostics.Metrics;
using Xunit;

namespace MLflow.Tests.Export;

public sealed class ExportMeterTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Meter_TracesSentAndDropped_TellsBothAndNeverGoesBack()
    {
        await using var server = await LoopbackServer.StartAsync();
        server.Intercept = async (context, request) =>
        {
            if (request.Path != "/v1/traces" || request.Spans.All(span => span.Name != "refused for the meter"))
            {
                return false;
            }

            await LoopbackServer.AnswerAsync(context, 418, "");
            return true;
        };
        var client = Some.Client(server);
        var before = Read();
        client.StartSpan("fine").Dispose();
        client.StartSpan("refused for the meter").Dispose();
        var running = client.StartSpan("running");
        await client.FlushAsync(Token);
        var after = Read();

        // Other tests trace at the same time: what is told is at least what this one did.
        Assert.True(after["mlflow.traces.exported"] - before["mlflow.traces.exported"] >= 1);
        Assert.Equal(1, after["mlflow.traces.dropped HTTP 418"]);
        Assert.True(after["mlflow.traces.pending"] >= 1);
        Assert.Contains("mlflow.traces.spooled", after.Keys);
        Assert.Contains("mlflow.traces.recovered", after.Keys);
        Assert.Contains("mlflow.export.queue.size", after.Keys);

        running.Dispose();
        await client.DisposeAsync();
        var closed = Read();
        Assert.True(closed["mlflow.traces.exported"] >= after["mlflow.traces.exported"] + 1);
        Assert.Equal(1, closed["mlflow.traces.dropped HTTP 418"]);
    }

    private static Dictionary<string, long> Read()
    {
        var values = new Dictionary<string, long>();
        using var listener = new MeterListener();
        listener.InstrumentPublished = (instrument, l) =>
        {
            if (ReferenceEquals(instrument.Meter, ExportMeter.Instance))
            {
                l.EnableMeasurementEvents(instrument);
            }
        };
        listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => values[tags.Length == 0 ? instrument.Name : $"{instrument.Name} {tags[0].Value}"] = value);
        listener.Start();
        listener.RecordObservableInstruments();
        return values;
    }
}
