using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using static MLflow.Cli.Doctor.CheckOutcome;

namespace MLflow.Cli.Doctor;

/// <summary>The checks in their order: each needs those before it. What fails ends the way; the rest is skipped, but for the spool, which needs no server.</summary>
internal sealed class WayCheck
{
    /// <summary>More than this, and the times of traces from several machines do not fit together.</summary>
    private static readonly TimeSpan MaxSkew = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(10);
    private static readonly string[] OnTheWay = ["dns", "tcp", "tls", "version", "clock", "credentials", "experiment", "otlp"];

    private readonly string _uri;
    private readonly string _source;
    private readonly ExperimentChoice _experiment;

    public WayCheck(string uri, string source, ExperimentChoice experiment)
    {
        _uri = uri;
        _source = source;
        _experiment = experiment;
    }

    public async IAsyncEnumerable<CheckResult> RunAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var (address, transport, first) = Address();
        yield return first;
        var done = 0;
        if (address is not null && transport is not null)
        {
            var isFine = true;
            await foreach (var result in OnTheWayAsync(address, transport, cancellationToken))
            {
                yield return result;
                isFine &= result.Outcome != Failed;
                done = Array.IndexOf(OnTheWay, result.Check) + 1;
                if (!isFine)
                {
                    break;
                }
            }
        }

        if (first.Outcome == Ok && DatabricksUri.IsDatabricks(_uri))
        {
            foreach (var result in await WorkspaceCheck.RunAsync(_uri, _experiment, cancellationToken))
            {
                yield return result;
            }

            done = OnTheWay.Length;
        }

        foreach (var left in OnTheWay.Skip(done))
        {
            yield return new CheckResult(left, Skipped, "what comes before it must work first");
        }

        yield return SpoolCheck.Run();
    }

    private (Uri? Address, TrackingTransport? Transport, CheckResult Result) Address()
    {
        try
        {
            if (DatabricksUri.IsDatabricks(_uri))
            {
                return (null, null, new CheckResult("address", Ok, $"{_uri} (from {_source}) is a Databricks workspace"));
            }

            TrackingSettings.CheckTrackingUri(_uri);
            if (_uri.StartsWith(EmbeddedStore.Scheme, StringComparison.OrdinalIgnoreCase))
            {
                return (null, null, new CheckResult("address", Ok, $"{_uri} (from {_source}) is a file: there is no way to it"));
            }

            var address = TrackingSettings.ParseTrackingUri(_uri);
            var transport = TrackingTransport.Read(Environment.GetEnvironmentVariable);
            var shown = address.GetComponents(UriComponents.SchemeAndServer | UriComponents.Path, UriFormat.UriEscaped).TrimEnd('/');
            return (address, transport, new CheckResult("address", Ok, $"{shown} (from {_source})"));
        }
        catch (ArgumentException e)
        {
            return (null, null, new CheckResult("address", Failed, (e.ParamName is null ? e.Message : e.Message.Replace($" (Parameter '{e.ParamName}')", "", StringComparison.Ordinal)) + $" (from {_source})"));
        }
    }

    private async IAsyncEnumerable<CheckResult> OnTheWayAsync(Uri address, TrackingTransport transport, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (var result in new ConnectionCheck(address, transport).RunAsync(cancellationToken))
        {
            yield return result;
        }

        using var client = transport.CreateClient(1);
        client.Timeout = Timeout;
        var credentials = TrackingCredentials.For(address, Environment.GetEnvironmentVariable, TrackingCredentials.DefaultFile);
        var root = address.GetComponents(UriComponents.SchemeAndServer | UriComponents.Path, UriFormat.UriEscaped).TrimEnd('/');

        var version = await AskAsync("version", "/version");
        if (version.Failure is { } broken)
        {
            yield return broken;
            yield break;
        }

        var isServer = ServerVersion.TryParse(version.Text, out var parsed);
        yield return (isServer, version.Status) switch
        {
            (true, 200) => parsed.TakesSpans
                ? new CheckResult("version", Ok, $"MLflow {version.Text.Trim()} answers")
                : new CheckResult("version", Warning, $"MLflow {version.Text.Trim()} answers; before 3.4 it takes whole traces only, when they have ended"),
            (_, 401 or 403 or 407) => new CheckResult("version", Failed, $"{root}/version answers {version.Status}: something before the server wants credentials; set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN"),
            _ => new CheckResult("version", Failed, $"{root}/version answers {version.Status} and no version: what listens there is no MLflow server; look at host, port and path of the address"),
        };
        yield return Clock(version.Date);

        var listed = await AskAsync("credentials", "/api/2.0/mlflow/experiments/search?max_results=1");
        yield return listed.Failure ?? Credentials(listed.Status, listed.Text, credentials?.Scheme);

        var named = await AskAsync("experiment", _experiment.Name is { } name
            ? "/api/2.0/mlflow/experiments/get-by-name?experiment_name=" + Uri.EscapeDataString(name)
            : "/api/2.0/mlflow/experiments/get?experiment_id=" + Uri.EscapeDataString(_experiment.Id!));
        yield return named.Failure ?? Experiment(named.Status, named.Text);

        // One resource without spans: nothing is stored.
        var spans = await AskAsync("otlp", "/v1/traces", [0x0A, 0x00]);
        yield return spans.Failure ?? Otlp(spans.Status, spans.Text);

        async Task<(int Status, string Text, DateTimeOffset? Date, CheckResult? Failure)> AskAsync(string check, string path, byte[]? post = null)
        {
            try
            {
                using var request = new HttpRequestMessage(post is null ? HttpMethod.Get : HttpMethod.Post, root + path);
                request.Headers.Authorization = credentials;
                if (post is not null)
                {
                    request.Content = new ByteArrayContent(post);
                    request.Content.Headers.ContentType = new("application/x-protobuf");
                    request.Content.Headers.Add("x-mlflow-experiment-id", _experiment.Id ?? "0");
                }

                using var answer = await client.SendAsync(request, cancellationToken);
                return ((int)answer.StatusCode, Encoding.UTF8.GetString(await answer.Content.ReadAsByteArrayAsync(cancellationToken)), answer.Headers.Date, null);
            }
            catch (HttpRequestException e)
            {
                return (0, "", null, new CheckResult(check, Failed, $"{root}{path.Split('?')[0]} gives no answer: {e.GetBaseException().Message}; is it http where the server wants https, or the other way round?"));
            }
            catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
            {
                return (0, "", null, new CheckResult(check, Failed, $"{root}{path.Split('?')[0]} does not answer within {Timeout.TotalSeconds} seconds: look at the server's log and load"));
            }
        }
    }

    private static CheckResult Clock(DateTimeOffset? server)
    {
        if (server is null)
        {
            return new CheckResult("clock", Skipped, "the server's answers have no Date");
        }

        // HTTP's dates have whole seconds.
        var skew = TimeProvider.System.GetUtcNow() - server.Value;
        var text = string.Create(CultureInfo.InvariantCulture, $"{Math.Abs(skew.TotalSeconds):0} seconds {(skew < TimeSpan.Zero ? "behind" : "ahead of")} the server's");
        return skew.Duration() <= MaxSkew
            ? new CheckResult("clock", Ok, "this machine's clock agrees with the server's")
            : new CheckResult("clock", Warning, $"this machine's clock is {text}: times of traces do not fit together; let both follow a time server (NTP)");
    }

    private static CheckResult Credentials(int status, string text, string? scheme)
    {
        var given = scheme is null ? "none are given" : $"{scheme} is given";
        return status switch
        {
            200 => new CheckResult("credentials", Ok, scheme is null ? "none are given, none are wanted" : $"{scheme} is accepted"),
            401 => new CheckResult("credentials", Failed, scheme is null
                ? "the server wants credentials and none are given: set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN"
                : $"the server does not accept them ({given}): look at MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, at the address, at ~/.mlflow/credentials and at MLFLOW_TRACKING_TOKEN; the first that is set counts"),
            403 => new CheckResult("credentials", Failed, $"they do not allow it ({given}): {Message(text)}; ask for the right, or, where it speaks of the host, start the server with --allowed-hosts"),
            _ => new CheckResult("credentials", Failed, $"the server answers {status} to a list of experiments: {Message(text)}; look at its log"),
        };
    }

    private CheckResult Experiment(int status, string text)
    {
        var name = _experiment.Name is { } named ? $"'{named}'" : $"with id {_experiment.Id}";
        if (status == 404)
        {
            return _experiment.Name is not null
                ? new CheckResult("experiment", Warning, $"there is none named {name} yet: the first trace creates it")
                : new CheckResult("experiment", Failed, $"there is none {name}: set MLFLOW_EXPERIMENT_NAME, or one of the ids that mlflow experiments search shows");
        }

        if (status != 200)
        {
            return new CheckResult("experiment", Failed, $"the server answers {status} for the one {name}: {Message(text)}");
        }

        try
        {
            using var answer = JsonDocument.Parse(text);
            var experiment = answer.RootElement.GetProperty("experiment");
            var (id, title) = (ApiJson.Text(experiment, "experiment_id"), ApiJson.Text(experiment, "name"));
            return ApiJson.Text(experiment, "lifecycle_stage") == "deleted"
                ? new CheckResult("experiment", Failed, $"'{title}' ({id}) is deleted and takes no traces: mlflow experiments restore -x {id}")
                : new CheckResult("experiment", Ok, $"'{title}' ({id})");
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            return new CheckResult("experiment", Failed, $"the answer is no experiment: {e.Message}; something between may have answered");
        }
    }

    private static CheckResult Otlp(int status, string text) => status switch
    {
        200 => new CheckResult("otlp", Ok, "/v1/traces takes spans"),

        // So some versions of MLflow's server answer to a request without spans.
        400 when text.Contains("no spans found", StringComparison.Ordinal) => new CheckResult("otlp", Ok, "/v1/traces takes spans"),
        401 or 403 => new CheckResult("otlp", Failed, $"/v1/traces answers {status}: the credentials may read but not write traces; ask for the right"),
        404 or 405 or 501 => new CheckResult("otlp", Warning, $"/v1/traces answers {status}: the server takes no spans by OTLP (MLflow before 3.6, or a file store), or a proxy does not pass the path on; the SDK sends whole traces instead"),
        _ => new CheckResult("otlp", Failed, $"/v1/traces answers {status}: {Message(text)}; look at the server's log"),
    };

    private static string Message(string text)
    {
        var message = TrackingHttp.ReadError(Encoding.UTF8.GetBytes(text)).Message;
        return string.IsNullOrEmpty(message) ? "without a reason" : TracePreview.Cut(message, 200);
    }
}
