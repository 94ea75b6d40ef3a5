using MLflow.Server.Ui.Formatting;
using MLflow.Server.Ui.Spans;
using static MLflow.Server.Ui.Formatting.Words;

namespace MLflow.Server.Ui.Reading;

/// <summary>Why a step has no content, and the line that changes it.</summary>
/// <param name="Why">A sentence or two.</param>
/// <param name="Fix">The line, or null where there is none.</param>
public sealed record ContentDoctor(string Why, string? Fix)
{
    private const string OtelVariable = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT=true";

    /// <summary>Null where the step has inputs or outputs, or none are to be expected.</summary>
    public static ContentDoctor? Of(SpanView span)
    {
        if (span.Record[AttributeNames.Inputs] is not null || span.Record[AttributeNames.Outputs] is not null)
        {
            return null;
        }

        if (TolerantJson.Unquote(span.Record[AttributeNames.CaptureMode]) == "metadata")
        {
            return new ContentDoctor(T("The program records what happened and what it cost, and not what was said."), "Mlflow.SetPrivacy(privacy => privacy.Capture = CaptureMode.Full);");
        }

        if (!span.IsModelCall)
        {
            return null;
        }

        var scope = span.Record.ScopeName ?? "";
        return scope switch
        {
            _ when scope.Contains("Microsoft.Extensions.AI", StringComparison.Ordinal) =>
                new ContentDoctor(T("Microsoft.Extensions.AI leaves content out of its spans until it is told to record it."), ".UseOpenTelemetry(configure: client => client.EnableSensitiveData = true)"),
            _ when scope.Contains("SemanticKernel", StringComparison.Ordinal) =>
                new ContentDoctor(T("Semantic Kernel leaves content out of its spans until it is told to record it."), "AppContext.SetSwitch(\"Microsoft.SemanticKernel.Experimental.GenAI.EnableOTelDiagnosticsSensitive\", true);"),
            _ when scope.StartsWith("OpenAI.", StringComparison.Ordinal) =>
                new ContentDoctor(T("The spans of the OpenAI package itself never have content. MLflow's own have it."), "Mlflow.OpenAI.Autolog();"),
            _ when scope.StartsWith("opentelemetry.", StringComparison.Ordinal) || span.Record["gen_ai.operation.name"] is not null || span.Record["gen_ai.system"] is not null =>
                new ContentDoctor(T("Programs that follow OpenTelemetry's conventions leave content out until they are told to record it, by the environment."), OtelVariable),
            _ => null,
        };
    }
}
