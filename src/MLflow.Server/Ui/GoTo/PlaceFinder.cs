using System.Text.RegularExpressions;
using MLflow.Server.Experiments;
using MLflow.Server.Storage;
using MLflow.Server.Traces;
using MLflow.Server.Ui.Endpoints;
using MLflow.Server.Ui.Formatting;
using MLflow.Server.Ui.List;
using MLflow.Server.Ui.Settings;

namespace MLflow.Server.Ui.GoTo;

/// <summary>Finds where somebody wants to go: experiments, their pages and views by name, traces by any id that tells one.</summary>
internal sealed partial class PlaceFinder
{
    private const int MostExperiments = 8;
    private const int MostTraces = 5;

    // Searched for an id at once; a search over more takes as long as several.
    private const int MostSearched = 5000;
    private readonly ITraceStore _traces;
    private readonly IExperimentStore _experiments;
    private readonly IViewStore _views;

    public PlaceFinder(ITraceStore traces, IExperimentStore experiments, IViewStore views) => (_traces, _experiments, _views) = (traces, experiments, views);

    /// <param name="text">What is typed.</param>
    /// <param name="current">The experiment whose page is open, or null.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public async Task<IReadOnlyList<Place>> FindAsync(string text, long? current, CancellationToken cancellationToken)
    {
        text = text.Trim();
        var places = new List<Place>();
        if (Id().IsMatch(text))
        {
            try
            {
                places.AddRange(await TracesAsync(text, cancellationToken).ConfigureAwait(false));
            }
            catch (MlflowException e) when (e.ErrorCode == ErrorCode.BAD_REQUEST)
            {
                // It took too long; a name is found all the same.
            }
        }

        if (current is { } open && await FindExperimentAsync(open, cancellationToken).ConfigureAwait(false) is { } experiment)
        {
            places.AddRange((await OfExperimentAsync(experiment, cancellationToken).ConfigureAwait(false)).Where(place => Matches(place.Title, text)));
        }

        if (!text.Contains('\'', StringComparison.Ordinal) && !text.Contains('\0', StringComparison.Ordinal))
        {
            var named = new ExperimentQuery { Filter = text.Length == 0 ? null : $"name ILIKE '%{text}%'", PageSize = MostExperiments };
            var found = (await _experiments.SearchAsync(named, cancellationToken).ConfigureAwait(false)).Experiments.Where(found => found.ExperimentId != current).ToList();
            places.AddRange(found.Select(each => new Place(each.Name, Words.T("experiment"), new TraceListUrl(each.ExperimentId).ToString())));
        }

        places.AddRange(Pages().Where(page => Matches(page.Title, text)).Select(page => new Place(page.Title, Words.T("page"), page.Address)));
        return places;
    }

    private static IEnumerable<(string Title, string Address)> Pages() =>
    [
        (Words.T("Experiments"), "./"),
        .. GatewayNav.All.Select(page => (page.Address == GatewayNav.Playground ? page.Name : $"{Words.T("Gateway")}: {page.Name}", page.Address)),
        .. SettingsNav.Pages.Select(page => ($"{Words.T("Settings")}: {page.Name}", $"settings/{page.Key}")).Where(page => page.Item2 != GatewayNav.Endpoints),
    ];

    private static bool Matches(string title, string text) => title.Contains(text, StringComparison.OrdinalIgnoreCase);

    private Task<Experiment?> FindExperimentAsync(long experimentId, CancellationToken cancellationToken) => VisibleExperiment.FindAsync(_experiments, experimentId, cancellationToken);

    private async Task<IEnumerable<Place>> OfExperimentAsync(Experiment experiment, CancellationToken cancellationToken)
    {
        var list = new TraceListUrl(experiment.ExperimentId).ToString();
        IReadOnlyList<Views.SavedView> views;
        try
        {
            views = await _views.ListAsync(experiment.ExperimentId, cancellationToken).ConfigureAwait(false);
        }
        catch (MlflowException e) when (e.ErrorCode == ErrorCode.PERMISSION_DENIED)
        {
            // A token that may only send knows the experiment, and reads nothing of it.
            return [];
        }

        return views.Select(view => new Place(view.Name, Words.T("saved view"), $"{list}?{view.Query}&view={Uri.EscapeDataString(view.Name)}"))
            .Concat([
                new Place($"{experiment.Name}: {Words.T("Traces")}", Words.T("page"), list),
                new Place($"{experiment.Name}: {Words.T("Overview")}", Words.T("page"), list + "/overview"),
                new Place($"{experiment.Name}: {Words.T("Sessions")}", Words.T("page"), list + "/sessions"),
            ]);
    }

    // The cheap looks first; each ends the search when it finds something.
    private async Task<IEnumerable<Place>> TracesAsync(string id, CancellationToken cancellationToken)
    {
        var byId = await InfosAsync(Hex32().IsMatch(id) ? [id, "tr-" + id.ToLowerInvariant()] : [id], cancellationToken).ConfigureAwait(false);
        if (byId.Count > 0)
        {
            return byId.Select(info => new Place(Title(info), Words.T("trace"), TraceUrl.To(info.TraceId)));
        }

        if (Hex16().IsMatch(id))
        {
            var spanId = id.ToLowerInvariant();
            var ofSpan = await InfosAsync(await _traces.FindBySpanAsync(spanId, cancellationToken).ConfigureAwait(false), cancellationToken).ConfigureAwait(false);
            if (ofSpan.Count > 0)
            {
                return ofSpan.Select(info => new Place(Title(info), Words.T("span"), new TraceUrl(info.TraceId, spanId).ToString()));
            }
        }

        var experiments = (await _experiments.SearchAsync(new ExperimentQuery { PageSize = MostSearched }, cancellationToken).ConfigureAwait(false)).Experiments.Select(experiment => experiment.ExperimentId).ToList();
        foreach (var filter in (string[])[$"client_request_id = '{id}'", $"trace.text ILIKE '%{id}%'"])
        {
            var found = await _traces.SearchAsync(new TraceQuery { ExperimentIds = experiments, Filter = filter, PageSize = MostTraces }, cancellationToken).ConfigureAwait(false);
            if (found.Traces.Count > 0)
            {
                return found.Traces.Select(info => new Place(Title(info), Words.T("request"), TraceUrl.To(info.TraceId)));
            }
        }

        return [];
    }

    private async Task<IReadOnlyList<TraceInfo>> InfosAsync(IReadOnlyList<string> traceIds, CancellationToken cancellationToken)
    {
        try
        {
            return await _traces.GetInfosAsync(traceIds, cancellationToken).ConfigureAwait(false);
        }
        catch (MlflowException e) when (e.ErrorCode == ErrorCode.PERMISSION_DENIED)
        {
            // What somebody may not see is not there for them.
            return [];
        }
    }

    private static string Title(TraceInfo info) => PreviewText.Cut(new TraceRow(info, DateTimeOffset.UnixEpoch).Request, 80);

    // One word with a digit: names of experiments may be that too, and are found besides.
    [GeneratedRegex(@"^(?=.*\d)[\w.:-]{6,200}$", RegexOptions.CultureInvariant)]
    private static partial Regex Id();

    [GeneratedRegex("^[0-9a-fA-F]{32}$")]
    private static partial Regex Hex32();

    [GeneratedRegex("^[0-9a-fA-F]{16}$")]
    private static partial Regex Hex16();
}
