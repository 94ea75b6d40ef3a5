using System.Globalization;
using System.Net;
using System.Text.Json;
using MLflow.Cli.Commands;
using MLflow.Cli.Traces;
using MLflow.Cli.Traces.Import;
using MLflow.Cli.Tracking;

namespace MLflow.Cli.MlflowDatabases;

/// <summary>
/// Brings experiments and traces of MLflow's own database to a server, and compares them afterwards. All of it may be done again: what is there already is replaced by itself.
/// </summary>
internal sealed class MlflowDatabaseImport
{
    /// <summary>Traces between two writes of the cursor.</summary>
    private const int Page = 20;

    private readonly MlflowDatabaseReader _source;
    private readonly ArtifactFiles _files;
    private readonly TrackingTarget _target;
    private readonly TrackingHttp _http;
    private readonly ExperimentApi _experiments;
    private readonly Dictionary<long, string> _ids = [];
    private int _spans;
    private int _assessments;
    private int _attachments;

    public MlflowDatabaseImport(MlflowDatabaseReader source, ArtifactFiles files, TrackingTarget target, TrackingHttp http)
    {
        _source = source;
        _files = files;
        _target = target;
        _http = http;
        _experiments = new ExperimentApi(target.Api);
    }

    /// <returns>The exit code.</returns>
    public async Task<int> RunAsync(CursorFile<MlflowImportCursor>? cursors, MlflowImportCursor cursor, CancellationToken cancellationToken)
    {
        var experiments = await _source.ReadExperimentsAsync(cancellationToken);
        foreach (var experiment in experiments)
        {
            _ids[experiment.Id] = await BringAsync(experiment, cancellationToken);
        }

        var brought = 0;
        foreach (var experiment in experiments.Where(experiment => experiment.Id >= cursor.ExperimentId))
        {
            if (experiment.Id > cursor.ExperimentId)
            {
                cursor = cursor with { ExperimentId = experiment.Id, TimestampMs = long.MinValue, TraceId = "" };
            }

            var upload = new TraceUpload(_target.Api, _http, _ids[experiment.Id]);
            IReadOnlyList<SourceTrace> traces;
            do
            {
                traces = await _source.ReadTracesAsync(experiment.Id, cursor.TimestampMs, cursor.TraceId, Page, cancellationToken);
                foreach (var trace in traces)
                {
                    await BringAsync(upload, trace, experiment.Id, cancellationToken);
                    cursor = cursor with { TimestampMs = trace.TimestampMs, TraceId = trace.TraceId };
                }

                brought += traces.Count;
                cursors?.Write(cursor);
            }
            while (traces.Count == Page);
        }

        // Only now: a deleted experiment takes no traces.
        foreach (var experiment in experiments.Where(experiment => !experiment.IsActive))
        {
            await _experiments.ChangeAsync("delete", [("experiment_id", _ids[experiment.Id])], cancellationToken);
        }

        await Console.Out.WriteLineAsync(
            $"Brought {experiments.Count} experiments and {brought} traces with {_spans} spans, {_assessments} assessments and {_attachments} attachments from {_source.Shown} to {_target.Name}");
        return await VerifyAsync(experiments, cancellationToken);
    }

    private async Task<string> BringAsync(SourceExperiment experiment, CancellationToken cancellationToken)
    {
        var found = await _experiments.FindAsync(experiment.Name, cancellationToken);
        if (found is { IsActive: false })
        {
            await _experiments.ChangeAsync("restore", [("experiment_id", found.ExperimentId)], cancellationToken);
        }

        var id = found?.ExperimentId ?? await _experiments.CreateAsync(experiment.Name, null, null, cancellationToken);
        foreach (var (key, value) in experiment.Tags)
        {
            await _experiments.ChangeAsync("set-experiment-tag", [("experiment_id", id), ("key", key), ("value", value)], cancellationToken);
        }

        return id;
    }

    private async Task BringAsync(TraceUpload upload, SourceTrace trace, long experimentId, CancellationToken cancellationToken)
    {
        try
        {
            using var piece = upload.Read(trace.Json);
            await upload.SendAsync(piece, cancellationToken);
            _spans += trace.Spans;
            _assessments += trace.Assessments;
            if (_files.FolderOf(trace, experimentId) is { } folder)
            {
                await BringFilesAsync(trace, folder, _ids[experimentId], cancellationToken);
            }

            foreach (var runId in trace.RunIds)
            {
                await _target.Api.QueryAsync("/api/2.0/mlflow/traces/link-to-run", Links(trace.TraceId, runId), cancellationToken);
            }
        }
        catch (Exception e) when (e is FormatException or InvalidOperationException or OverflowException or JsonException or MlflowException)
        {
            throw new CommandException($"trace {trace.TraceId} of experiment {experimentId} cannot be brought over: {e.Message}", e);
        }
    }

    private async Task BringFilesAsync(SourceTrace trace, string folder, string experimentId, CancellationToken cancellationToken)
    {
        var place = $"/api/2.0/mlflow-artifacts/artifacts/{Uri.EscapeDataString(experimentId)}/traces/{Uri.EscapeDataString(trace.TraceId)}/artifacts";
        if (trace.Spans == 0 && Path.Combine(folder, "traces.json") is var data && File.Exists(data))
        {
            // Whatever version of MLflow wrote it: the server reads all of them.
            await PutAsync($"{place}/traces.json", data, cancellationToken);
            _spans += SpansIn(await File.ReadAllBytesAsync(data, cancellationToken));
        }

        var attachments = Path.Combine(folder, "attachments");
        foreach (var file in Directory.Exists(attachments) ? Directory.GetFiles(attachments).Order(StringComparer.Ordinal) : (IEnumerable<string>)[])
        {
            await PutAsync($"{place}/attachments/{Uri.EscapeDataString(Path.GetFileName(file))}", file, cancellationToken);
            _attachments++;
        }
    }

    private async Task PutAsync(string path, string file, CancellationToken cancellationToken) =>
        await _target.Api.WriteAsync(HttpMethod.Put, path, await File.ReadAllBytesAsync(file, cancellationToken), cancellationToken);

    private static int SpansIn(byte[] data)
    {
        try
        {
            using var document = JsonDocument.Parse(data, TraceDocument.ReaderOptions);
            return ApiJson.Items(document.RootElement, "spans").Count();
        }
        catch (JsonException)
        {
            return 0;
        }
    }

    /// <summary>Reads both sides again, and compares them trace by trace.</summary>
    private async Task<int> VerifyAsync(IReadOnlyList<SourceExperiment> experiments, CancellationToken cancellationToken)
    {
        var source = new TraceSource(_target.Api);
        var (compared, spans, wrong) = (0, 0, 0);
        foreach (var experiment in experiments)
        {
            var (afterMs, afterId) = (long.MinValue, "");
            IReadOnlyList<SourceTrace> traces;
            do
            {
                traces = await _source.ReadTracesAsync(experiment.Id, afterMs, afterId, Page, cancellationToken);
                foreach (var trace in traces)
                {
                    (afterMs, afterId) = (trace.TimestampMs, trace.TraceId);
                    compared++;
                    using var document = JsonDocument.Parse(trace.Json, TraceDocument.ReaderOptions);
                    var expected = TraceDocument.ReadAll(document.RootElement)[0];
                    spans += expected.Spans.Count;
                    var found = await FindAsync(source, trace.TraceId, cancellationToken);
                    var fromFile = expected.Spans.Count == 0 && _files.FolderOf(trace, experiment.Id) is { } folder && Path.Combine(folder, "traces.json") is var data && File.Exists(data)
                        ? SpansIn(await File.ReadAllBytesAsync(data, cancellationToken)) : 0;
                    spans += fromFile;
                    if (found is null || found.Spans.Count < fromFile || TraceFingerprint.Of(expected, expected) != TraceFingerprint.Of(expected, found))
                    {
                        wrong++;
                        await Console.Error.WriteLineAsync($"mlflow: trace {trace.TraceId} {(found is null ? "is not on the server" : "is not the same on the server")}");
                    }
                }
            }
            while (traces.Count == Page);
        }

        await Console.Out.WriteLineAsync(wrong == 0
            ? $"Compared {compared} traces and {spans} spans of the database with the server by their hashes: all are the same"
            : string.Create(CultureInfo.InvariantCulture, $"Compared {compared} traces of the database with the server by their hashes: {wrong} are not the same"));
        return wrong == 0 ? ExitCodes.Done : ExitCodes.Failed;
    }

    private static async Task<TraceDocument?> FindAsync(TraceSource source, string traceId, CancellationToken cancellationToken)
    {
        try
        {
            return await source.FindAsync(traceId, cancellationToken);
        }
        catch (MlflowException e) when (e.StatusCode == HttpStatusCode.NotFound)
        {
            return null;
        }
    }

    private static byte[] Links(string traceId, string runId)
    {
        using var text = new MemoryStream();
        using (var json = new Utf8JsonWriter(text))
        {
            json.WriteStartObject();
            json.WriteStartArray("trace_ids");
            json.WriteStringValue(traceId);
            json.WriteEndArray();
            json.WriteString("run_id", runId);
            json.WriteEndObject();
        }

        return text.ToArray();
    }
}
