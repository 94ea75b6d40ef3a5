using System.Net.Sockets;
using System.Text.Json;
using Microsoft.Net.Http.Headers;
using MLflow.Server.Access;
using MLflow.Server.Access.Guards;
using MLflow.Server.Otlp;
using MLflow.Server.Secrets;
using Yarp.ReverseProxy.Forwarder;

namespace MLflow.Server.Gateway;

/// <summary>Passes calls on to models: who may, how often, for how much money, to which model, with whose key.</summary>
internal sealed partial class GatewayProxy : IDisposable
{
    /// <summary>By it a client says that the call belongs into a trace of its own; with <see cref="OtlpSender.ExperimentIdHeader"/>.</summary>
    public const string ParentHeader = "x-mlflow-traceparent";

    // Where it really goes is told by the call.
    private const string Prefix = "http://upstream.invalid/";
    private const int BufferBytes = 16 * 1024;

    private readonly GatewayAdministration _administration;
    private readonly SecretVault _vault;
    private readonly UpstreamRules _rules;
    private readonly CallRates _rates;
    private readonly BudgetBook _budgets;
    private readonly GatewayRecorder _recorder;
    private readonly UnguardedStores _stores;
    private readonly IHttpForwarder _forwarder;
    private readonly HttpMessageInvoker _connections;
    private readonly MlflowServerOptions _options;
    private readonly OtlpBudget _memory;
    private readonly TimeProvider _timeProvider;
    private readonly ILogger _logger;
    private readonly ForwarderRequestConfig _forwarding;

    public GatewayProxy(
        GatewayAdministration administration, SecretVault vault, UpstreamRules rules, CallRates rates, BudgetBook budgets, GatewayRecorder recorder, UnguardedStores stores, IHttpForwarder forwarder,
        UpstreamConnections connections, MlflowServerOptions options, OtlpBudget memory, TimeProvider timeProvider, ILogger<GatewayProxy> logger)
    {
        _administration = administration;
        _vault = vault;
        _rules = rules;
        _rates = rates;
        _budgets = budgets;
        _recorder = recorder;
        _stores = stores;
        _forwarder = forwarder;
        _connections = new HttpMessageInvoker(connections.Handler, disposeHandler: false);
        _options = options;
        _memory = memory;
        _timeProvider = timeProvider;
        _logger = logger;
        _forwarding = new ForwarderRequestConfig { ActivityTimeout = options.GatewayTimeout };
    }

    public void Dispose() => _connections.Dispose();

    /// <summary>Passes a call on and its answer back.</summary>
    /// <param name="context">The request.</param>
    /// <param name="operation">The operation, as <c>chat/completions</c>; null to tell it by the body.</param>
    /// <param name="endpointName">The endpoint; null where the body names it.</param>
    public async Task PassAsync(HttpContext context, string? operation, string? endpointName)
    {
        using var share = new OtlpShare(_memory);
        try
        {
            var body = await ReadAsync(context, share).ConfigureAwait(false);
            var (call, recorded) = await PrepareAsync(context, body, operation, endpointName).ConfigureAwait(false);
            await ForwardAsync(context, call, recorded.Operation, recorded.Call, recorded.Parent).ConfigureAwait(false);
        }
        catch (GatewayRefusal e) when (!context.Response.HasStarted)
        {
            await GatewayAnswers.WriteAsync(context, e).ConfigureAwait(false);
        }
        catch (OtlpException e) when (!context.Response.HasStarted)
        {
            await GatewayAnswers.WriteAsync(context, new GatewayRefusal(e.StatusCode, "server_error", "overloaded", e.Message, TimeSpan.FromSeconds(1))).ConfigureAwait(false);
        }
        catch (MlflowException e) when (!context.Response.HasStarted)
        {
            var status = Rest.ErrorAnswers.Status(e.ErrorCode);
            await GatewayAnswers.WriteAsync(context, new GatewayRefusal(status, status < StatusCodes.Status500InternalServerError ? "invalid_request_error" : "server_error", null, e.Message)).ConfigureAwait(false);
        }
    }

    /// <summary>Reads the body whole: it may be sent more than once, and says for whom it is.</summary>
    private async Task<ReadOnlyMemory<byte>> ReadAsync(HttpContext context, OtlpShare share)
    {
        var request = context.Request;
        if (request.Headers.ContentEncoding.Count > 0 && request.Headers.ContentEncoding != "identity")
        {
            throw new GatewayRefusal(StatusCodes.Status415UnsupportedMediaType, "invalid_request_error", null, $"The body is encoded ('{request.Headers.ContentEncoding}'): send it as it is.");
        }

        if (request.ContentLength is { } known)
        {
            share.Take(known);
            var whole = new byte[Math.Min(known, _options.Limits.MaxBodyBytes)];
            return whole.AsMemory(0, await request.Body.ReadAtLeastAsync(whole, whole.Length, throwOnEndOfStream: false, context.RequestAborted).ConfigureAwait(false));
        }

        share.Take(BufferBytes);
        var body = new MemoryStream(BufferBytes);
        var buffer = new byte[BufferBytes];
        int read;
        while ((read = await request.Body.ReadAsync(buffer, context.RequestAborted).ConfigureAwait(false)) > 0)
        {
            share.Take(read);
            body.Write(buffer, 0, read);
        }

        return body.GetBuffer().AsMemory(0, (int)body.Length);
    }

    private async Task<(GatewayCall Call, (string Operation, RecordedCall Call, RemoteContext? Parent) Recorded)> PrepareAsync(HttpContext context, ReadOnlyMemory<byte> body, string? operation, string? endpointName)
    {
        var (model, form) = Model(context.Request, body.Span);
        operation ??= OperationOf(body.Span);
        var name = endpointName ?? model;
        if (string.IsNullOrEmpty(name))
        {
            throw GatewayRefusal.Invalid("Missing required 'model' parameter in request body");
        }

        var catalog = _administration.Current();
        var caller = await context.RequestServices.GetRequiredService<CurrentCaller>().GetAsync().ConfigureAwait(false);
        if (catalog.Find(name) is not { } endpoint)
        {
            throw new GatewayRefusal(
                StatusCodes.Status404NotFound, "invalid_request_error", "model_not_found", $"GatewayEndpoint not found (name='{TracePreview.Cut(name, 255)}')");
        }

        if (!caller.May(ExperimentRights.Ingest, endpoint.ExperimentId))
        {
            throw new GatewayRefusal(
                StatusCodes.Status403Forbidden, "permission_error", "permission_denied", $"Endpoint '{endpoint.Name}' is not for this caller: it is for whoever may send traces to experiment {endpoint.ExperimentId}.");
        }

        var user = caller.User?.Name ?? "";
        var token = Credential.Kind(context.User) == Credential.Token ? Credential.Key(context.User)! : user.Length > 0 ? user : context.Connection.RemoteIpAddress?.ToString() ?? "";
        await GuardAsync(new GatewayRequest(endpoint.Name, operation, caller.User?.Name, context.Request.ContentType, body), context.RequestAborted).ConfigureAwait(false);
        _budgets.Check(catalog, endpoint, user);
        var targets = await TargetsAsync(catalog, endpoint, operation, context.RequestAborted).ConfigureAwait(false);
        _rates.Take(endpoint, user, token);
        var (parent, experimentId) = await ParentAsync(context.Request, caller, endpoint).ConfigureAwait(false);
        var call = new GatewayCall { Endpoint = endpoint, Targets = targets, Context = context, Body = body, ModelInForm = form, AskedFor = model ?? name, BodyHasModel = model is not null };
        return (call, (operation, new RecordedCall(endpoint.Id, user, experimentId, endpoint.UsageTracking, context.Features.Get<ReplayedCall>()), parent));
    }

    private async Task ForwardAsync(HttpContext context, GatewayCall call, string operation, RecordedCall known, RemoteContext? parent)
    {
        call.Recorded = _recorder.Begin(context.Request.Method, operation, call.Endpoint, call.Targets[0].Provider, known, parent);
        var trace = known.IsTrace ? call.Recorded?.Span.Trace.TraceId : null;
        context.Response.Headers[GatewayTransformer.TraceHeader] = trace;

        // It is read; the call sends it as often as it has to.
        context.Request.Body = Stream.Null;
        context.Request.ContentLength = 0;
        context.Request.Headers.Remove(HeaderNames.TransferEncoding);
        Exception? failure = null;
        var lifetime = new HeldLifetime(context);
        try
        {
            using var invoker = new HttpMessageInvoker(new UpstreamHandler(call, _connections, _rates, _timeProvider));
            var error = await _forwarder.SendAsync(context, Prefix, invoker, _forwarding, GatewayTransformer.Instance).ConfigureAwait(false);
            failure = context.Features.Get<IForwarderErrorFeature>()?.Exception;
            if (error != ForwarderError.None && !context.Response.HasStarted && !context.RequestAborted.IsCancellationRequested)
            {
                if (Find<GatewayRefusal>(failure) is null)
                {
                    LogUnanswered(_logger, call.Endpoint.Name, Reason(failure));
                }

                // The forwarder may have cleared it.
                context.Response.Headers[GatewayTransformer.TraceHeader] = trace;
                throw Failed(call.Endpoint, failure);
            }

            if (lifetime.IsAborted && !context.RequestAborted.IsCancellationRequested)
            {
                LogBroken(_logger, call.Endpoint.Name, Reason(failure));
                throw new AnswerBrokenException(call.Endpoint.Name, failure);
            }
        }
        finally
        {
            lifetime.Dispose();
            _recorder.End(call.Recorded, failure);
        }
    }

    // What the system says of a failure may name hosts and addresses, which are the operator's.
    private static GatewayRefusal Failed(GatewayEndpoint endpoint, Exception? failure)
    {
        if (Find<GatewayRefusal>(failure) is { } own)
        {
            return own;
        }

        if (Find<UpstreamRefusedException>(failure) is { } refused)
        {
            return new GatewayRefusal(StatusCodes.Status502BadGateway, "upstream_error", "upstream_refused", $"The model of endpoint '{endpoint.Name}' was not asked: {refused.Message}");
        }

        if (failure is OperationCanceledException)
        {
            return new GatewayRefusal(StatusCodes.Status504GatewayTimeout, "upstream_error", "upstream_timeout", $"The model of endpoint '{endpoint.Name}' did not answer in time.");
        }

        var why = Find<SocketException>(failure)?.SocketErrorCode.ToString() ?? (failure as HttpRequestException)?.HttpRequestError.ToString() ?? failure?.GetType().Name ?? "Unknown";
        return new GatewayRefusal(StatusCodes.Status502BadGateway, "upstream_error", "upstream_unreachable", $"The model of endpoint '{endpoint.Name}' gave no answer ({why}).");
    }

    /// <summary>For the operator: with hosts, without stacks.</summary>
    private static string Reason(Exception? failure) => failure switch
    {
        null => "no reason is known",
        { InnerException: { } inner } when !failure.Message.Contains(inner.Message, StringComparison.Ordinal) => $"{failure.Message} {inner.Message}",
        _ => failure.Message,
    };

    private static T? Find<T>(Exception? exception)
        where T : Exception
    {
        for (; exception is not null; exception = exception.InnerException)
        {
            if (exception is T found)
            {
                return found;
            }
        }

        return null;
    }

    /// <summary>The model that a body names, and of a form where it stands.</summary>
    private static (string? Model, Range? Form) Model(HttpRequest request, ReadOnlySpan<byte> body)
    {
        if (MediaTypeHeaderValue.TryParse(request.ContentType, out var type) && type.MediaType.Equals("multipart/form-data", StringComparison.OrdinalIgnoreCase))
        {
            var boundary = HeaderUtilities.RemoveQuotes(type.Boundary).ToString();
            return boundary.Length > 0 && ModelField.FindInForm(body, boundary) is { } range
                ? (System.Text.Encoding.UTF8.GetString(body[range]), range)
                : throw GatewayRefusal.Invalid("Missing required 'model' parameter in request body");
        }

        try
        {
            return (ModelField.Read(body), null);
        }
        catch (JsonException)
        {
            throw GatewayRefusal.Invalid("The request's body is not a JSON object.");
        }
    }

    private static string OperationOf(ReadOnlySpan<byte> body) =>
        ModelField.Has(body, "messages"u8) ? "chat/completions"
        : ModelField.Has(body, "input"u8) ? "embeddings"
        : throw GatewayRefusal.Invalid("Invalid request: payload format must be either chat or embeddings");

    /// <summary>The models that are asked, in this order: one by its weight, then the fallbacks.</summary>
    private async Task<IReadOnlyList<UpstreamTarget>> TargetsAsync(GatewayCatalog catalog, GatewayEndpoint endpoint, string operation, CancellationToken cancellationToken)
    {
        var usable = endpoint.Models.Where(mapping => catalog.Model(mapping.ModelId)?.SecretId is { } id && catalog.Secrets.ContainsKey(id)).ToList();
        var chosen = Choose(usable.FindAll(mapping => mapping is { IsFallback: false, Weight: > 0 }));
        var fallbacks = usable.Where(mapping => mapping.IsFallback).OrderBy(mapping => mapping.FallbackOrder).Take(endpoint.MaxAttempts ?? int.MaxValue);
        var targets = new List<UpstreamTarget>();
        foreach (var mapping in (IEnumerable<ModelMapping>)(chosen is null ? fallbacks : [chosen, .. fallbacks]))
        {
            targets.Add(await TargetAsync(catalog, catalog.Model(mapping.ModelId)!, operation, cancellationToken).ConfigureAwait(false));
        }

        return targets.Count > 0 ? targets : throw new GatewayRefusal(
            StatusCodes.Status503ServiceUnavailable, "server_error", "no_secret", $"Endpoint '{endpoint.Name}' has no model with a key: its secret was deleted.");
    }

    private async Task<UpstreamTarget> TargetAsync(GatewayCatalog catalog, GatewayModel model, string operation, CancellationToken cancellationToken)
    {
        var secret = catalog.Secrets[model.SecretId!];

        // The model may have been written when the secret was another's.
        var provider = GatewayProvider.Require(secret.Provider);
        var apiVersion = secret.AuthConfig.GetValueOrDefault(SecretDestination.ApiVersion);
        var address = provider.Address(secret.AuthConfig.GetValueOrDefault(SecretDestination.ApiBase), apiVersion, operation, model.ModelName);
        try
        {
            _rules.Check(address);
        }
        catch (MlflowException)
        {
            // It was allowed when it was written down. Where it is, is not the caller's to know.
            throw new GatewayRefusal(StatusCodes.Status502BadGateway, "upstream_error", "upstream_refused", $"The model '{model.Name}' is at an address to which this server does not connect (MLFLOW_GATEWAY_ALLOWED_HOSTS).");
        }

        var values = await _vault.OpenAsync(secret, cancellationToken).ConfigureAwait(false);
        return values.TryGetValue(GatewayProvider.KeyName, out var key)
            ? new UpstreamTarget(model.Id, provider, model.ModelName, address, key, !provider.HasModelInAddress(apiVersion))
            : throw new MlflowException(ErrorCode.INVALID_STATE, $"Secret '{secret.Name}' has no '{GatewayProvider.KeyName}': give it one.");
    }

    private static ModelMapping? Choose(List<ModelMapping> models)
    {
        var at = Random.Shared.NextDouble() * models.Sum(mapping => mapping.Weight);
        foreach (var mapping in models)
        {
            if ((at -= mapping.Weight) < 0)
            {
                return mapping;
            }
        }

        return models.LastOrDefault();
    }

    private async Task GuardAsync(GatewayRequest request, CancellationToken cancellationToken)
    {
        foreach (var guard in _options.GatewayGuards)
        {
            string? why;
            try
            {
                why = await guard.CheckAsync(request, cancellationToken).ConfigureAwait(false);
            }
            catch (Exception e) when (e is not OperationCanceledException)
            {
                throw new GatewayRefusal(StatusCodes.Status500InternalServerError, "server_error", "guard_failed", $"A guard of this gateway failed ({e.GetType().Name}), so the call was not passed on.");
            }

            if (why is not null)
            {
                throw GatewayRefusal.Invalid(why, "guard_refused");
            }
        }
    }

    /// <summary>The span that the call's belongs below, where the client asks for it and may write there.</summary>
    private async Task<(RemoteContext? Parent, long ExperimentId)> ParentAsync(HttpRequest request, Caller caller, GatewayEndpoint endpoint)
    {
        var own = (default(RemoteContext), endpoint.ExperimentId);
        if (request.Headers[ParentHeader].ToString() is not { Length: > 0 } header || !long.TryParse(request.Headers[OtlpSender.ExperimentIdHeader], out var experimentId)
            || RemoteContext.Read(header, null, _recorder.Log) is not { Parent: { } parent } context || !caller.May(ExperimentRights.Ingest, experimentId))
        {
            return own;
        }

        // A trace of another experiment is somebody else's.
        var others = await _stores.Traces.GetExperimentsOfOtelAsync([parent.TraceId.ToHexString()], request.HttpContext.RequestAborted).ConfigureAwait(false);
        return others.Any(other => other != experimentId) ? own : (context, experimentId);
    }

    [LoggerMessage(LogLevel.Warning, "A model of endpoint '{Endpoint}' gave no answer: {Reason}")]
    private static partial void LogUnanswered(ILogger logger, string endpoint, string reason);

    [LoggerMessage(LogLevel.Warning, "The answer of a model of endpoint '{Endpoint}' broke off after its beginning, and so did ours: {Reason}")]
    private static partial void LogBroken(ILogger logger, string endpoint, string reason);
}
