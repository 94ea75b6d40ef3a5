namespace MLflow;

internal static partial class ApiCatalog
{
    /// <summary>Images, audio, video and moderation.</summary>
    private static IEnumerable<ApiOperation> Media()
    {
        var images = new BodyFormRecorder(() => new ImageStreamMerge(), MediaFacts.OfImages);
        var transcripts = new BodyFormRecorder(() => new TranscriptStreamMerge(), MediaFacts.OfTranscription);
        return
        [
            Model("audio.speech.create", "/audio/speech", "Speech", MLflow.SpanType.Tool, new BodyFormRecorder(() => new SpeechStreamMerge())) with { RestOfOutput = UsageBuckets.OutputAudioName },
            Model("audio.transcriptions.create", "/audio/transcriptions", "Transcriptions", MLflow.SpanType.Tool, transcripts),
            Model("audio.translations.create", "/audio/translations", "Translations", MLflow.SpanType.Tool, transcripts),
            Row("audio.voice_consents.create", "POST", "/audio/voice_consents"),
            Row("audio.voice_consents.list", "GET", "/audio/voice_consents"),
            Row("audio.voice_consents.retrieve", "GET", "/audio/voice_consents/{consent_id}"),
            Row("audio.voice_consents.update", "POST", "/audio/voice_consents/{consent_id}"),
            Row("audio.voice_consents.delete", "DELETE", "/audio/voice_consents/{consent_id}"),
            Row("audio.voices.create", "POST", "/audio/voices"),

            Row("images.edit", "POST", "/images/edits", MLflow.SpanType.Tool, images) with { RestOfOutput = UsageBuckets.OutputImageName, IsRecognisedAnywhere = true },
            Model("images.generate", "/images/generations", "Images", MLflow.SpanType.Tool, images) with { RestOfOutput = UsageBuckets.OutputImageName },
            Row("images.create_variation", "POST", "/images/variations", MLflow.SpanType.Tool, images) with { IsRecognisedAnywhere = true },

            new("moderations.create", "POST", "/moderations", "Moderations", MLflow.SpanType.Guardrail, new BodyFormRecorder(facts: MediaFacts.OfModeration)) { AsyncSpanName = "AsyncModerations" },

            Row("content_provenance_checks.create", "POST", "/content_provenance_checks"),

            Row("videos.create", "POST", "/videos", MLflow.SpanType.Tool),
            Row("videos.list", "GET", "/videos"),
            Row("videos.create_character", "POST", "/videos/characters"),
            Row("videos.get_character", "GET", "/videos/characters/{character_id}"),
            Row("videos.edit", "POST", "/videos/edits", MLflow.SpanType.Tool),
            Row("videos.extend", "POST", "/videos/extensions", MLflow.SpanType.Tool),
            Row("videos.retrieve", "GET", "/videos/{video_id}"),
            Row("videos.delete", "DELETE", "/videos/{video_id}"),
            Row("videos.download_content", "GET", "/videos/{video_id}/content"),
            Row("videos.remix", "POST", "/videos/{video_id}/remix", MLflow.SpanType.Tool),
        ];
    }
}
