using System.Globalization;
using MLflow.Server.Access.Http;
using MLflow.Server.Rest;
using MLflow.Server.Storage;

namespace MLflow.Server.Ui.GoTo;

/// <summary>What the dialog of Ctrl-K asks: <c>GET /places?q=…&amp;experiment=…</c>.</summary>
internal static class PlaceEndpoints
{
    private const int MaxLength = 500;

    public static void MapPlaces(this IEndpointRouteBuilder routes) => routes.MapGet("/places", FindAsync).RequireAccess(AccessPolicies.Read);

    private static async Task<IResult> FindAsync(HttpContext context, ITraceStore traces, IExperimentStore experiments, IViewStore views)
    {
        var text = context.Request.Query["q"].ToString();
        if (text.Length > MaxLength)
        {
            throw new MlflowException(ErrorCode.INVALID_PARAMETER_VALUE, $"'q' has {text.Length} characters; at most {MaxLength} are allowed.");
        }

        long? current = long.TryParse(context.Request.Query["experiment"], NumberStyles.None, CultureInfo.InvariantCulture, out var id) ? id : null;
        var places = await new PlaceFinder(traces, experiments, views).FindAsync(text, current, context.RequestAborted).ConfigureAwait(false);
        return new JsonAnswer(writer =>
        {
            writer.WriteStartArray("places");
            foreach (var place in places)
            {
                writer.WriteStartObject();
                writer.WriteString("title", place.Title);
                writer.WriteString("kind", place.Kind);
                writer.WriteString("address", place.Address);
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
        });
    }
}
