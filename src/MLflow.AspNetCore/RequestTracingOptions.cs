using Microsoft.AspNetCore.Http;

namespace MLflow;

/// <summary>Which requests become traces, and what is recorded of them.</summary>
public sealed class RequestTracingOptions
{
    /// <summary>
    /// Paths whose requests are not traced: <c>/health</c>, <c>/css/*</c>. <c>*</c> stands for any text, case does not matter, and a pattern is compared with the whole path. Single endpoints are
    /// left out by <c>DisableMlflowTracing()</c>, static files by placing <c>UseMlflowTracing()</c> behind <c>UseStaticFiles()</c>.
    /// </summary>
    public IList<string> ExcludedPaths { get; } = [];

    /// <summary>Says whether a request is traced. Asked for what no path excludes. Null: all are.</summary>
    public Func<HttpContext, bool>? Filter { get; set; }

    /// <summary>Says who the end user is (<c>mlflow.trace.user</c>). Asked when the request comes and, where that gives nothing, when it has been answered: then the user is known. Null: nobody says.</summary>
    public Func<HttpContext, string?>? User { get; set; }

    /// <summary>Says which conversation the request belongs to (<c>mlflow.trace.session</c>). Asked as <see cref="User"/> is.</summary>
    public Func<HttpContext, string?>? Session { get; set; }

    /// <summary>Whether the query is recorded, which may hold what is secret. Default: false. Bodies never are: an endpoint that wants its own recorded says so with <c>context.GetMlflowSpan()</c>.</summary>
    public bool CaptureQuery { get; set; }

    /// <summary>
    /// Whether a request that names a trace (<c>traceparent</c>, <c>baggage</c>) continues it, see <see cref="Mlflow.UseTraceContext"/>. Only for callers that trace to the same server and
    /// experiment: anybody may send the header, and so write into a trace or have a request left out. Default: false.
    /// </summary>
    public bool AdoptTraceParent { get; set; }

    /// <summary>Name of a header by which the answer tells the trace's id, for example <c>x-mlflow-trace-id</c>. Null: it does not.</summary>
    public string? ResponseHeader { get; set; }

    internal void Validate()
    {
        if (ExcludedPaths.FirstOrDefault(pattern => pattern is not ['/' or '*', ..]) is { } wrong)
        {
            throw new ArgumentException($"'{wrong}' in {nameof(ExcludedPaths)} is no path: it must begin with / or *, for example /health or *.css.");
        }

        if (ResponseHeader is not null && (ResponseHeader.Length == 0 || !ResponseHeader.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_')))
        {
            throw new ArgumentException($"{nameof(ResponseHeader)} is '{ResponseHeader}': the name of a header has letters, digits and hyphens only, for example x-mlflow-trace-id.");
        }
    }
}
