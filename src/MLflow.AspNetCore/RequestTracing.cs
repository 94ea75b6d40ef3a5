using System.IO.Enumeration;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace MLflow;

/// <summary>The middleware: a span from before the next one to after it.</summary>
internal sealed class RequestTracing(RequestDelegate next, MlflowClient? client, RequestTracingOptions options)
{
    public Task InvokeAsync(HttpContext context)
    {
        if (context.Features.Get<RequestTrace>() is not null)
        {
            // It passes again: the application runs its pipeline once more to show an error, or has this middleware twice.
            return next(context);
        }

        if (IsTraced(context))
        {
            return TraceAsync(context);
        }

        context.Features.Set(RequestTrace.None);
        return next(context);
    }

    private async Task TraceAsync(HttpContext context)
    {
        // What these make current flows down to the next middleware, and is undone when this method returns.
        using var scope = client is null ? null : Mlflow.UseClient(client);
        var headers = context.Request.Headers;
        using var remote = options.AdoptTraceParent ? Mlflow.UseTraceContext(headers.TraceParent, headers.Baggage) : null;
        using var span = Start(context);
        try
        {
            // The application's own context is kept.
#pragma warning disable CA2007
            await next(context);
#pragma warning restore CA2007
        }
        catch (Exception e) when (span is not null && Fail(context, span, e))
        {
            throw;
        }

        if (span is not null)
        {
            End(context, span, context.Response.StatusCode);
        }
    }

    private bool IsTraced(HttpContext context)
    {
        if (context.GetEndpoint()?.Metadata.GetMetadata<NotTracedEndpoint>() is not null)
        {
            return false;
        }

        var path = context.Request.Path.Value ?? "";
        foreach (var pattern in options.ExcludedPaths)
        {
            if (FileSystemName.MatchesSimpleExpression(pattern, path))
            {
                return false;
            }
        }

        return Ask(context, static (o, c) => o.Filter is { } filter ? filter(c) : true, nameof(options.Filter), whenItFails: true);
    }

    /// <summary>Null where there is none. What fails here the request must not notice, and a span that was started still has to be ended.</summary>
    private LiveSpan? Start(HttpContext context)
    {
        LiveSpan? span = null;
        try
        {
            span = Mlflow.StartSpan(Name(context), SpanType.Chain);
            Describe(context, span);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            Failed(e);
        }

        return span;
    }

    private void Describe(HttpContext context, LiveSpan span)
    {
        context.Features.Set(new RequestTrace(span));
        if (options.ResponseHeader is { } header && !span.Trace.IsOff)
        {
            context.Response.OnStarting(() =>
            {
                context.Response.Headers[header] = span.TraceId;
                return Task.CompletedTask;
            });
        }

        span.SetAttribute(AttributeNames.HttpMethod, context.Request.Method);
        span.SetAttribute(AttributeNames.UrlPath, (context.Request.PathBase + context.Request.Path).Value);
        SetWho(context, span);
    }

    /// <summary>A filter that is passed when the exception leaves the application: it is recorded where it passes, and never caught. Always true.</summary>
    private bool Fail(HttpContext context, LiveSpan span, Exception exception)
    {
        span.RecordException(exception);

        // Nobody has decided yet what the answer will be; whoever handles exceptions makes this of one that is left.
        End(context, span, context.Response.HasStarted ? context.Response.StatusCode : null);
        return true;
    }

    private void End(HttpContext context, LiveSpan span, int? status)
    {
        try
        {
            Record(context, span, status);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            Failed(e);
        }
    }

    private void Record(HttpContext context, LiveSpan span, int? status)
    {
        if (context.GetEndpoint() is RouteEndpoint endpoint)
        {
            span.Rename(Name(context));
            span.SetAttribute(AttributeNames.HttpRoute, Template(endpoint));
        }

        SetWho(context, span);
        if (status is not null)
        {
            span.SetAttribute(AttributeNames.HttpStatus, status);
        }

        if (context.RequestAborted.IsCancellationRequested)
        {
            span.SetAttribute(AttributeNames.Cancelled, true);
        }

        if (span.StatusCode != SpanStatusCode.Error && status is null or >= 500)
        {
            if (context.Features.Get<IExceptionHandlerFeature>()?.Error is { } handled)
            {
                span.RecordException(handled);
            }
            else
            {
                span.SetStatus(SpanStatusCode.Error, $"HTTP {status}");
            }
        }

        SetInputs(context, span);
        if (!span.HasOutputs && status is not null)
        {
            span.SetAttribute(AttributeNames.Outputs, ChatMessageBuilder.Encode(new JsonObject { ["status"] = status, ["content_type"] = context.Response.ContentType }));
        }
    }

    /// <summary>At the end, since the endpoint may have said more.</summary>
    private void SetInputs(HttpContext context, LiveSpan span)
    {
        if (span.HasInputs)
        {
            return;
        }

        var request = context.Request;
        var inputs = new JsonObject { ["method"] = request.Method, ["path"] = (request.PathBase + request.Path).Value };
        if (request.RouteValues is { Count: > 0 } values)
        {
            inputs["route"] = new JsonObject(values.Select(value => KeyValuePair.Create(value.Key, (JsonNode?)JsonValue.Create(value.Value?.ToString()))));
        }

        if (options.CaptureQuery && request.Query.Count > 0)
        {
            inputs["query"] = new JsonObject(request.Query.Where(pair => !UrlText.IsSecret(pair.Key)).Select(pair => KeyValuePair.Create(pair.Key, (JsonNode?)JsonValue.Create(pair.Value.ToString()))));
        }

        span.SetAttribute(AttributeNames.Inputs, ChatMessageBuilder.Encode(inputs));
    }

    /// <summary>What the program itself says of its trace goes before.</summary>
    private void SetWho(HttpContext context, LiveSpan span)
    {
        span.Trace.OfferMetadata(TraceKeys.User, Ask(context, static (o, c) => o.User?.Invoke(c), nameof(options.User), null));
        span.Trace.OfferMetadata(TraceKeys.Session, Ask(context, static (o, c) => o.Session?.Invoke(c), nameof(options.Session), null));
    }

    private SelfLog Log => client?.Log ?? Mlflow.Log;

    private void Failed(Exception e) => Log.Warn("request", $"A request was not traced as it should be: {e.GetType().Name}: {ExceptionText.MessageOf(e)}");

    /// <summary>Asks the application. Where its answer is an exception, the request must not suffer.</summary>
    private T Ask<T>(HttpContext context, Func<RequestTracingOptions, HttpContext, T> question, string option, T whenItFails)
    {
        try
        {
            return question(options, context);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            Log.Warn("request-" + option, $"{option} of UseMlflowTracing() threw {e.GetType().Name}: {ExceptionText.MessageOf(e)}");
            return whenItFails;
        }
    }

    private static string Name(HttpContext context) =>
        context.Request.Method + " " + (context.GetEndpoint() is RouteEndpoint endpoint ? Template(endpoint) : (context.Request.PathBase + context.Request.Path).Value);

    /// <summary>Templates of controllers lack the first slash.</summary>
    private static string Template(RouteEndpoint endpoint) => "/" + endpoint.RoutePattern.RawText?.TrimStart('/');
}
