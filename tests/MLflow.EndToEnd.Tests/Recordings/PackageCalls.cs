#pragma warning disable OPENAI001 // What the package calls experimental is recorded all the same.
using System.ClientModel;
using System.ClientModel.Primitives;
using OpenAI;
using OpenAI.Assistants;
using OpenAI.Audio;
using OpenAI.Batch;
using OpenAI.Chat;
using OpenAI.Containers;
using OpenAI.Conversations;
using OpenAI.Embeddings;
using OpenAI.Files;
using OpenAI.Images;
using OpenAI.Models;
using OpenAI.Moderations;
using OpenAI.Responses;
using OpenAI.Skills;
using OpenAI.VectorStores;

namespace MLflow.EndToEnd.Tests.Recordings;

/// <summary>The recorded operations by their ids in the OpenAPI document.</summary>
public static class PackageCalls
{
    public static readonly IReadOnlyDictionary<string, PackageCall> All = new Dictionary<string, PackageCall>
    {
        ["createChatCompletion"] = new(
            "chat.completions.create",
            (c, r) => Chat(c).CompleteChat(r.Body, r.Options),
            async (c, r) => await Chat(c).CompleteChatAsync(r.Body, r.Options)),
        ["getChatCompletion"] = new(
            "chat.completions.retrieve",
            (c, r) => Chat(c).GetChatCompletion(r[2], r.Options),
            async (c, r) => await Chat(c).GetChatCompletionAsync(r[2], r.Options)),
        ["updateChatCompletion"] = new(
            "chat.completions.update",
            (c, r) => Chat(c).UpdateChatCompletion(r[2], r.Body, r.Options),
            async (c, r) => await Chat(c).UpdateChatCompletionAsync(r[2], r.Body, r.Options)),
        ["deleteChatCompletion"] = new(
            "chat.completions.delete",
            (c, r) => Chat(c).DeleteChatCompletion(r[2], r.Options),
            async (c, r) => await Chat(c).DeleteChatCompletionAsync(r[2], r.Options)),
        ["listChatCompletions"] = new(
            "chat.completions.list",
            (c, r) => FirstPage(Chat(c).GetChatCompletions(null, null, null, new Dictionary<string, string>(), null, r.Options)),
            (c, r) => FirstPageAsync(Chat(c).GetChatCompletionsAsync(null, null, null, new Dictionary<string, string>(), null, r.Options))),
        ["getChatCompletionMessages"] = new(
            "chat.completions.messages.list",
            (c, r) => FirstPage(Chat(c).GetChatCompletionMessages(r[2], null, null, null, r.Options)),
            (c, r) => FirstPageAsync(Chat(c).GetChatCompletionMessagesAsync(r[2], null, null, null, r.Options))),
        ["createResponse"] = new(
            "responses.create",
            (c, r) => Responses(c).CreateResponse(r.Body, r.Options),
            async (c, r) => await Responses(c).CreateResponseAsync(r.Body, r.Options)),
        ["getResponse"] = new(
            "responses.retrieve",
            (c, r) => Responses(c).GetResponse(r[1], null, null, null, null, r.Options),
            async (c, r) => await Responses(c).GetResponseAsync(r[1], null, null, null, null, r.Options)),
        ["cancelResponse"] = new(
            "responses.cancel",
            (c, r) => Responses(c).CancelResponse(r[1], r.Options),
            async (c, r) => await Responses(c).CancelResponseAsync(r[1], r.Options)),
        ["deleteResponse"] = new(
            "responses.delete",
            (c, r) => Responses(c).DeleteResponse(r[1], r.Options),
            async (c, r) => await Responses(c).DeleteResponseAsync(r[1], r.Options)),
        ["listInputItems"] = new(
            "responses.input_items.list",
            (c, r) => Responses(c).GetResponseInputItemCollectionPage(r[1], null, null, null, null, r.Options),
            async (c, r) => await Responses(c).GetResponseInputItemCollectionPageAsync(r[1], null, null, null, null, r.Options)),
        ["Getinputtokencounts"] = new(
            "responses.input_tokens.count",
            (c, r) => Responses(c).GetInputTokenCount(r.Body, r.ContentType, r.Options),
            async (c, r) => await Responses(c).GetInputTokenCountAsync(r.Body, r.ContentType, r.Options)),
        ["Compactconversation"] = new(
            "responses.compact",
            (c, r) => Responses(c).CompactResponse(r.Body, r.ContentType, r.Options),
            async (c, r) => await Responses(c).CompactResponseAsync(r.Body, r.ContentType, r.Options)),
        ["createCompletion"] = new("completions.create"),
        ["createEmbedding"] = new(
            "embeddings.create",
            (c, r) => Embeddings(c).GenerateEmbeddings(r.Body, r.Options),
            async (c, r) => await Embeddings(c).GenerateEmbeddingsAsync(r.Body, r.Options)),
        ["createModeration"] = new(
            "moderations.create",
            (c, r) => Moderations(c).ClassifyText(r.Body, r.Options),
            async (c, r) => await Moderations(c).ClassifyTextAsync(r.Body, r.Options)),
        ["createImage"] = new(
            "images.generate",
            (c, r) => Images(c).GenerateImages(r.Body, r.Options),
            async (c, r) => await Images(c).GenerateImagesAsync(r.Body, r.Options)),
        ["createImageEdit"] = new(
            "images.edit",
            (c, r) => Images(c).GenerateImageEdits(r.Body, r.ContentType, r.Options),
            async (c, r) => await Images(c).GenerateImageEditsAsync(r.Body, r.ContentType, r.Options)),
        ["createImageVariation"] = new(
            "images.create_variation",
            (c, r) => Images(c).GenerateImageVariations(r.Body, r.ContentType, r.Options),
            async (c, r) => await Images(c).GenerateImageVariationsAsync(r.Body, r.ContentType, r.Options)),
        ["createSpeech"] = new(
            "audio.speech.create",
            (c, r) => Audio(c).GenerateSpeech(r.Body, r.Options),
            async (c, r) => await Audio(c).GenerateSpeechAsync(r.Body, r.Options)),
        ["createTranscription"] = new(
            "audio.transcriptions.create",
            (c, r) => Audio(c).TranscribeAudio(r.Body, r.ContentType, r.Options),
            async (c, r) => await Audio(c).TranscribeAudioAsync(r.Body, r.ContentType, r.Options)),
        ["createTranslation"] = new(
            "audio.translations.create",
            (c, r) => Audio(c).TranslateAudio(r.Body, r.ContentType, r.Options),
            async (c, r) => await Audio(c).TranslateAudioAsync(r.Body, r.ContentType, r.Options)),
        ["createFile"] = new(
            "files.create",
            (c, r) => Files(c).UploadFile(r.Body, r.ContentType, r.Options),
            async (c, r) => await Files(c).UploadFileAsync(r.Body, r.ContentType, r.Options)),
        ["retrieveFile"] = new(
            "files.retrieve",
            (c, r) => Files(c).GetFile(r[1], r.Options),
            async (c, r) => await Files(c).GetFileAsync(r[1], r.Options)),
        ["deleteFile"] = new(
            "files.delete",
            (c, r) => Files(c).DeleteFile(r[1], r.Options),
            async (c, r) => await Files(c).DeleteFileAsync(r[1], r.Options)),
        ["downloadFile"] = new(
            "files.content",
            (c, r) => Files(c).DownloadFile(r[1], r.Options),
            async (c, r) => await Files(c).DownloadFileAsync(r[1], r.Options)),
        ["createUpload"] = new(
            "uploads.create",
            (c, r) => Files(c).CreateUpload(r.Body, r.Options),
            async (c, r) => await Files(c).CreateUploadAsync(r.Body, r.Options)),
        ["addUploadPart"] = new(
            "uploads.parts.create",
            (c, r) => Files(c).AddUploadPart(r[1], r.Body, r.ContentType, r.Options),
            async (c, r) => await Files(c).AddUploadPartAsync(r[1], r.Body, r.ContentType, r.Options)),
        ["completeUpload"] = new(
            "uploads.complete",
            (c, r) => Files(c).CompleteUpload(r[1], r.Body, r.Options),
            async (c, r) => await Files(c).CompleteUploadAsync(r[1], r.Body, r.Options)),
        ["cancelUpload"] = new(
            "uploads.cancel",
            (c, r) => Files(c).CancelUpload(r[1], r.Options),
            async (c, r) => await Files(c).CancelUploadAsync(r[1], r.Options)),
        ["createBatch"] = new("batches.create"),
        ["retrieveBatch"] = new(
            "batches.retrieve",
            (c, r) => Batches(c).GetBatch(r[1], r.Options),
            async (c, r) => await Batches(c).GetBatchAsync(r[1], r.Options)),
        ["listBatches"] = new(
            "batches.list",
            (c, r) => FirstPage(Batches(c).GetBatches(null, null, r.Options)),
            (c, r) => FirstPageAsync(Batches(c).GetBatchesAsync(null, null, r.Options))),
        ["cancelBatch"] = new("batches.cancel"),
        ["listModels"] = new(
            "models.list",
            (c, r) => Models(c).GetModels(r.Options),
            async (c, r) => await Models(c).GetModelsAsync(r.Options)),
        ["retrieveModel"] = new(
            "models.retrieve",
            (c, r) => Models(c).GetModel(r[1], r.Options),
            async (c, r) => await Models(c).GetModelAsync(r[1], r.Options)),
        ["deleteModel"] = new(
            "models.delete",
            (c, r) => Models(c).DeleteModel(r[1], r.Options),
            async (c, r) => await Models(c).DeleteModelAsync(r[1], r.Options)),
        ["CreateContainer"] = new(
            "containers.create",
            (c, r) => Containers(c).CreateContainer(r.Body, r.Options),
            async (c, r) => await Containers(c).CreateContainerAsync(r.Body, r.Options)),
        ["RetrieveContainer"] = new(
            "containers.retrieve",
            (c, r) => Containers(c).GetContainer(r[1], r.Options),
            async (c, r) => await Containers(c).GetContainerAsync(r[1], r.Options)),
        ["ListContainers"] = new(
            "containers.list",
            (c, r) => Containers(c).GetContainerCollectionPage(null, null, null, null, r.Options),
            async (c, r) => await Containers(c).GetContainerCollectionPageAsync(null, null, null, null, r.Options)),
        ["DeleteContainer"] = new(
            "containers.delete",
            (c, r) => Containers(c).DeleteContainer(r[1], r.Options),
            async (c, r) => await Containers(c).DeleteContainerAsync(r[1], r.Options)),
        ["CreateContainerFile"] = new(
            "containers.files.create",
            (c, r) => Containers(c).UploadContainerFile(r[1], r.Body, r.ContentType, r.Options),
            async (c, r) => await Containers(c).UploadContainerFileAsync(r[1], r.Body, r.ContentType, r.Options)),
        ["RetrieveContainerFile"] = new(
            "containers.files.retrieve",
            (c, r) => Containers(c).GetContainerFile(r[1], r[3], r.Options),
            async (c, r) => await Containers(c).GetContainerFileAsync(r[1], r[3], r.Options)),
        ["RetrieveContainerFileContent"] = new(
            "containers.files.content.retrieve",
            (c, r) => Containers(c).DownloadContainerFile(r[1], r[3], r.Options),
            async (c, r) => await Containers(c).DownloadContainerFileAsync(r[1], r[3], r.Options)),
        ["ListContainerFiles"] = new(
            "containers.files.list",
            (c, r) => Containers(c).GetContainerFileCollectionPage(r[1], null, null, null, r.Options),
            async (c, r) => await Containers(c).GetContainerFileCollectionPageAsync(r[1], null, null, null, r.Options)),
        ["DeleteContainerFile"] = new(
            "containers.files.delete",
            (c, r) => Containers(c).DeleteContainerFile(r[1], r[3], r.Options),
            async (c, r) => await Containers(c).DeleteContainerFileAsync(r[1], r[3], r.Options)),
        ["createConversation"] = new(
            "conversations.create",
            (c, r) => Conversations(c).CreateConversation(r.Body, r.Options),
            async (c, r) => await Conversations(c).CreateConversationAsync(r.Body, r.Options)),
        ["getConversation"] = new(
            "conversations.retrieve",
            (c, r) => Conversations(c).GetConversation(r[1], r.Options),
            async (c, r) => await Conversations(c).GetConversationAsync(r[1], r.Options)),
        ["updateConversation"] = new(
            "conversations.update",
            (c, r) => Conversations(c).UpdateConversation(r[1], r.Body, r.Options),
            async (c, r) => await Conversations(c).UpdateConversationAsync(r[1], r.Body, r.Options)),
        ["deleteConversation"] = new(
            "conversations.delete",
            (c, r) => Conversations(c).DeleteConversation(r[1], r.Options),
            async (c, r) => await Conversations(c).DeleteConversationAsync(r[1], r.Options)),
        ["createConversationItems"] = new(
            "conversations.items.create",
            (c, r) => Conversations(c).CreateConversationItems(r[1], r.Body, null, r.Options),
            async (c, r) => await Conversations(c).CreateConversationItemsAsync(r[1], r.Body, null, r.Options)),
        ["getConversationItem"] = new(
            "conversations.items.retrieve",
            (c, r) => Conversations(c).GetConversationItem(r[1], r[3], null, r.Options),
            async (c, r) => await Conversations(c).GetConversationItemAsync(r[1], r[3], null, r.Options)),
        ["listConversationItems"] = new(
            "conversations.items.list",
            (c, r) => FirstPage(Conversations(c).GetConversationItems(r[1], null, null, null, null, r.Options)),
            (c, r) => FirstPageAsync(Conversations(c).GetConversationItemsAsync(r[1], null, null, null, null, r.Options))),
        ["deleteConversationItem"] = new(
            "conversations.items.delete",
            (c, r) => Conversations(c).DeleteConversationItem(r[1], r[3], r.Options),
            async (c, r) => await Conversations(c).DeleteConversationItemAsync(r[1], r[3], r.Options)),
        ["createFineTuningJob"] = new("fine_tuning.jobs.create"),
        ["retrieveFineTuningJob"] = new("fine_tuning.jobs.retrieve"),
        ["listPaginatedFineTuningJobs"] = new("fine_tuning.jobs.list"),
        ["listFineTuningEvents"] = new("fine_tuning.jobs.list_events"),
        ["cancelFineTuningJob"] = new("fine_tuning.jobs.cancel"),
        ["createVectorStore"] = new(
            "vector_stores.create",
            (c, r) => VectorStores(c).CreateVectorStore(r.Body, r.Options),
            async (c, r) => await VectorStores(c).CreateVectorStoreAsync(r.Body, r.Options)),
        ["getVectorStore"] = new(
            "vector_stores.retrieve",
            (c, r) => VectorStores(c).GetVectorStore(r[1], r.Options),
            async (c, r) => await VectorStores(c).GetVectorStoreAsync(r[1], r.Options)),
        ["modifyVectorStore"] = new(
            "vector_stores.update",
            (c, r) => VectorStores(c).ModifyVectorStore(r[1], r.Body, r.Options),
            async (c, r) => await VectorStores(c).ModifyVectorStoreAsync(r[1], r.Body, r.Options)),
        ["listVectorStores"] = new(
            "vector_stores.list",
            (c, r) => FirstPage(VectorStores(c).GetVectorStores(null, null, null, null, r.Options)),
            (c, r) => FirstPageAsync(VectorStores(c).GetVectorStoresAsync(null, null, null, null, r.Options))),
        ["deleteVectorStore"] = new(
            "vector_stores.delete",
            (c, r) => VectorStores(c).DeleteVectorStore(r[1], r.Options),
            async (c, r) => await VectorStores(c).DeleteVectorStoreAsync(r[1], r.Options)),
        ["searchVectorStore"] = new(
            "vector_stores.search",
            (c, r) => VectorStores(c).SearchVectorStore(r[1], r.Body, r.Options),
            async (c, r) => await VectorStores(c).SearchVectorStoreAsync(r[1], r.Body, r.Options)),
        ["createVectorStoreFile"] = new(
            "vector_stores.files.create",
            (c, r) => VectorStores(c).AddFileToVectorStore(r[1], r.Body, r.Options),
            async (c, r) => await VectorStores(c).AddFileToVectorStoreAsync(r[1], r.Body, r.Options)),
        ["getVectorStoreFile"] = new(
            "vector_stores.files.retrieve",
            (c, r) => VectorStores(c).GetVectorStoreFile(r[1], r[3], r.Options),
            async (c, r) => await VectorStores(c).GetVectorStoreFileAsync(r[1], r[3], r.Options)),
        ["listVectorStoreFiles"] = new(
            "vector_stores.files.list",
            (c, r) => FirstPage(VectorStores(c).GetVectorStoreFiles(r[1], null, null, null, null, null, r.Options)),
            (c, r) => FirstPageAsync(VectorStores(c).GetVectorStoreFilesAsync(r[1], null, null, null, null, null, r.Options))),
        ["deleteVectorStoreFile"] = new(
            "vector_stores.files.delete",
            (c, r) => VectorStores(c).RemoveFileFromVectorStore(r[1], r[3], r.Options),
            async (c, r) => await VectorStores(c).RemoveFileFromVectorStoreAsync(r[1], r[3], r.Options)),
        ["createVectorStoreFileBatch"] = new(
            "vector_stores.file_batches.create",
            (c, r) => VectorStores(c).AddFileBatchToVectorStore(r[1], r.Body, r.Options),
            async (c, r) => await VectorStores(c).AddFileBatchToVectorStoreAsync(r[1], r.Body, r.Options)),
        ["getVectorStoreFileBatch"] = new(
            "vector_stores.file_batches.retrieve",
            (c, r) => VectorStores(c).GetVectorStoreFileBatch(r[1], r[3], r.Options),
            async (c, r) => await VectorStores(c).GetVectorStoreFileBatchAsync(r[1], r[3], r.Options)),
        ["cancelVectorStoreFileBatch"] = new(
            "vector_stores.file_batches.cancel",
            (c, r) => VectorStores(c).CancelVectorStoreFileBatch(r[1], r[3], r.Options),
            async (c, r) => await VectorStores(c).CancelVectorStoreFileBatchAsync(r[1], r[3], r.Options)),
        ["listFilesInVectorStoreBatch"] = new(
            "vector_stores.file_batches.list_files",
            (c, r) => FirstPage(VectorStores(c).GetVectorStoreFilesInBatch(r[1], r[3], null, null, null, null, null, r.Options)),
            (c, r) => FirstPageAsync(VectorStores(c).GetVectorStoreFilesInBatchAsync(r[1], r[3], null, null, null, null, null, r.Options))),
        ["CreateSkill"] = new(
            "skills.create",
            (c, r) => Skills(c).UploadSkill(r.Body, r.ContentType, r.Options),
            async (c, r) => await Skills(c).UploadSkillAsync(r.Body, r.ContentType, r.Options)),
        ["GetSkill"] = new(
            "skills.retrieve",
            (c, r) => Skills(c).GetSkill(r[1], r.Options),
            async (c, r) => await Skills(c).GetSkillAsync(r[1], r.Options)),
        ["ListSkills"] = new(
            "skills.list",
            (c, r) => Skills(c).GetSkills(null, null, null, r.Options),
            async (c, r) => await Skills(c).GetSkillsAsync(null, null, null, r.Options)),
        ["DeleteSkill"] = new(
            "skills.delete",
            (c, r) => Skills(c).DeleteSkill(r[1], r.Options),
            async (c, r) => await Skills(c).DeleteSkillAsync(r[1], r.Options)),
        ["CreateSkillVersion"] = new(
            "skills.versions.create",
            (c, r) => Skills(c).UploadSkillVersion(r[1], r.Body, r.ContentType, r.Options),
            async (c, r) => await Skills(c).UploadSkillVersionAsync(r[1], r.Body, r.ContentType, r.Options)),
        ["create-realtime-client-secret"] = new("realtime.client_secrets.create"),
        ["create-realtime-session"] = new("beta.realtime.sessions.create"),
        ["createAssistant"] = new(
            "beta.assistants.create",
            (c, r) => Assistants(c).CreateAssistant(r.Body, r.Options),
            async (c, r) => await Assistants(c).CreateAssistantAsync(r.Body, r.Options)),
        ["getAssistant"] = new(
            "beta.assistants.retrieve",
            (c, r) => Assistants(c).GetAssistant(r[1], r.Options),
            async (c, r) => await Assistants(c).GetAssistantAsync(r[1], r.Options)),
        ["modifyAssistant"] = new(
            "beta.assistants.update",
            (c, r) => Assistants(c).ModifyAssistant(r[1], r.Body, r.Options),
            async (c, r) => await Assistants(c).ModifyAssistantAsync(r[1], r.Body, r.Options)),
        ["listAssistants"] = new(
            "beta.assistants.list",
            (c, r) => FirstPage(Assistants(c).GetAssistants(null, null, null, null, r.Options)),
            (c, r) => FirstPageAsync(Assistants(c).GetAssistantsAsync(null, null, null, null, r.Options))),
        ["deleteAssistant"] = new(
            "beta.assistants.delete",
            (c, r) => Assistants(c).DeleteAssistant(r[1], r.Options),
            async (c, r) => await Assistants(c).DeleteAssistantAsync(r[1], r.Options)),
        ["createThread"] = new(
            "beta.threads.create",
            (c, r) => Assistants(c).CreateThread(r.Body, r.Options),
            async (c, r) => await Assistants(c).CreateThreadAsync(r.Body, r.Options)),
        ["createThreadAndRun"] = new(
            "beta.threads.create_and_run",
            (c, r) => Assistants(c).CreateThreadAndRun(r.Body, r.Options),
            async (c, r) => await Assistants(c).CreateThreadAndRunAsync(r.Body, r.Options)),
        ["getThread"] = new(
            "beta.threads.retrieve",
            (c, r) => Assistants(c).GetThread(r[1], r.Options),
            async (c, r) => await Assistants(c).GetThreadAsync(r[1], r.Options)),
        ["modifyThread"] = new(
            "beta.threads.update",
            (c, r) => Assistants(c).ModifyThread(r[1], r.Body, r.Options),
            async (c, r) => await Assistants(c).ModifyThreadAsync(r[1], r.Body, r.Options)),
        ["deleteThread"] = new(
            "beta.threads.delete",
            (c, r) => Assistants(c).DeleteThread(r[1], r.Options),
            async (c, r) => await Assistants(c).DeleteThreadAsync(r[1], r.Options)),
        ["createMessage"] = new(
            "beta.threads.messages.create",
            (c, r) => Assistants(c).CreateMessage(r[1], r.Body, r.Options),
            async (c, r) => await Assistants(c).CreateMessageAsync(r[1], r.Body, r.Options)),
        ["getMessage"] = new(
            "beta.threads.messages.retrieve",
            (c, r) => Assistants(c).GetMessage(r[1], r[3], r.Options),
            async (c, r) => await Assistants(c).GetMessageAsync(r[1], r[3], r.Options)),
        ["modifyMessage"] = new(
            "beta.threads.messages.update",
            (c, r) => Assistants(c).ModifyMessage(r[1], r[3], r.Body, r.Options),
            async (c, r) => await Assistants(c).ModifyMessageAsync(r[1], r[3], r.Body, r.Options)),
        ["listMessages"] = new(
            "beta.threads.messages.list",
            (c, r) => FirstPage(Assistants(c).GetMessages(r[1], null, null, null, null, r.Options)),
            (c, r) => FirstPageAsync(Assistants(c).GetMessagesAsync(r[1], null, null, null, null, r.Options))),
        ["deleteMessage"] = new(
            "beta.threads.messages.delete",
            (c, r) => Assistants(c).DeleteMessage(r[1], r[3], r.Options),
            async (c, r) => await Assistants(c).DeleteMessageAsync(r[1], r[3], r.Options)),
        ["createRun"] = new(
            "beta.threads.runs.create",
            (c, r) => Assistants(c).CreateRun(r[1], r.Body, r.Options),
            async (c, r) => await Assistants(c).CreateRunAsync(r[1], r.Body, r.Options)),
        ["getRun"] = new(
            "beta.threads.runs.retrieve",
            (c, r) => Assistants(c).GetRun(r[1], r[3], r.Options),
            async (c, r) => await Assistants(c).GetRunAsync(r[1], r[3], r.Options)),
        ["modifyRun"] = new(
            "beta.threads.runs.update",
            (c, r) => Assistants(c).ModifyRun(r[1], r[3], r.Body, r.Options),
            async (c, r) => await Assistants(c).ModifyRunAsync(r[1], r[3], r.Body, r.Options)),
        ["listRuns"] = new(
            "beta.threads.runs.list",
            (c, r) => FirstPage(Assistants(c).GetRuns(r[1], null, null, null, null, r.Options)),
            (c, r) => FirstPageAsync(Assistants(c).GetRunsAsync(r[1], null, null, null, null, r.Options))),
        ["cancelRun"] = new(
            "beta.threads.runs.cancel",
            (c, r) => Assistants(c).CancelRun(r[1], r[3], r.Options),
            async (c, r) => await Assistants(c).CancelRunAsync(r[1], r[3], r.Options)),
        ["submitToolOuputsToRun"] = new(
            "beta.threads.runs.submit_tool_outputs",
            (c, r) => Assistants(c).SubmitToolOutputsToRun(r[1], r[3], r.Body, r.Options),
            async (c, r) => await Assistants(c).SubmitToolOutputsToRunAsync(r[1], r[3], r.Body, r.Options)),
        ["listRunSteps"] = new(
            "beta.threads.runs.steps.list",
            (c, r) => FirstPage(Assistants(c).GetRunSteps(r[1], r[3], null, null, null, null, r.Options)),
            (c, r) => FirstPageAsync(Assistants(c).GetRunStepsAsync(r[1], r[3], null, null, null, null, r.Options))),
        ["getRunStep"] = new(
            "beta.threads.runs.steps.retrieve",
            (c, r) => Assistants(c).GetRunStep(r[1], r[3], r[5], r.Options),
            async (c, r) => await Assistants(c).GetRunStepAsync(r[1], r[3], r[5], r.Options)),
    };

    private static ChatClient Chat(OpenAIClient c) => c.GetChatClient("unused");

    private static ResponsesClient Responses(OpenAIClient c) => c.GetResponsesClient();

    private static EmbeddingClient Embeddings(OpenAIClient c) => c.GetEmbeddingClient("unused");

    private static ModerationClient Moderations(OpenAIClient c) => c.GetModerationClient("unused");

    private static ImageClient Images(OpenAIClient c) => c.GetImageClient("unused");

    private static AudioClient Audio(OpenAIClient c) => c.GetAudioClient("unused");

    private static OpenAIFileClient Files(OpenAIClient c) => c.GetOpenAIFileClient();

    private static BatchClient Batches(OpenAIClient c) => c.GetBatchClient();

    private static OpenAIModelClient Models(OpenAIClient c) => c.GetOpenAIModelClient();

    private static ContainerClient Containers(OpenAIClient c) => c.GetContainerClient();

    private static ConversationClient Conversations(OpenAIClient c) => c.GetConversationClient();

    private static VectorStoreClient VectorStores(OpenAIClient c) => c.GetVectorStoreClient();

    private static SkillClient Skills(OpenAIClient c) => c.GetSkillClient();

    private static AssistantClient Assistants(OpenAIClient c) => c.GetAssistantClient();

    private static ClientResult FirstPage(CollectionResult pages) => pages.GetRawPages().First();

    private static async Task<ClientResult> FirstPageAsync(AsyncCollectionResult pages)
    {
        await foreach (var page in pages.GetRawPagesAsync())
        {
            return page;
        }

        throw new InvalidOperationException("There was no page.");
    }
}
